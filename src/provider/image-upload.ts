/** A disk image on this host that becomes an image in a cloud. */
export type ImageUpload = {
  readonly name: string;
  /** The file. It must not change before the call ends. */
  readonly path: string;
  /** Glance's disk_format: `raw`, `qcow2`, `vhd`, … */
  readonly format: string;
  /**
   * Kept with the image from its first instant, so that a half one is found after a crash. `min_disk`, `min_ram`,
   * `visibility` and `is_public` are no properties but say something to Glance, as with upstream (shade: create_image).
   */
  readonly properties: Readonly<Record<string, string>>;
};

export type UploadProgress = {
  /** Handed to the network so far. Less than before: the upload began anew. */
  readonly sentBytes: number;
  readonly totalBytes: number;
};

/** Who wants to know how an upload goes. What these functions throw ends the upload, and comes out of the call. */
export type UploadWatch = {
  /**
   * Called with the image's id as soon as there is one, and waited for: the place to store it. That is before the first byte
   * of data is sent, but where images are imported by tasks (`image_api_use_tasks`) only after the last.
   */
  readonly onCreated?: (imageId: string) => Promise<void> | void;
  /** Called for each piece that goes out, some 250 KiB. */
  readonly onProgress?: (progress: UploadProgress) => void;
};

/** The file to upload is missing, empty or unreadable, or changed meanwhile. The cloud is not to blame; another build may be. */
export class ImageFileError extends Error {
  override readonly name = 'ImageFileError';
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`Cannot upload "${path}": ${reason}`, options);
    this.path = path;
  }
}
