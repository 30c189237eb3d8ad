/** What is counted of builds by diskimage-builder (upstream: nodepool.dib_image_build). */
export interface DiskImageMetrics {
  diskImageBuilt(build: {
    readonly diskimage: string;
    readonly ms: number;
    /** Room on the disk, by format. */
    readonly bytesOnDisk: ReadonlyMap<string, number>;
  }): void;
}
