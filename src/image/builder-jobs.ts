/**
 * What a daemon asks of builders (adapter: src/gearman). Any number of builders may serve; each upload and deletion is done
 * by one that has the files. Names and data are upstream's, with further keys that its builders ignore.
 */
export interface BuilderJobs {
  /**
   * Runs diskimage-builder and resolves when all files are there and verified.
   * @throws {BuilderJobError} it failed, or the builder was lost
   */
  build(request: BuildRequest, signal: AbortSignal): Promise<BuildAnswer>;
  /**
   * Uploads one file and resolves when the image is active.
   * @throws {BuilderJobError} it failed, or the builder was lost: the image may be there, found by its properties
   */
  upload(request: UploadRequest, signal: AbortSignal): Promise<UploadAnswer>;
  /**
   * Removes the files of a build.
   * @throws {BuilderJobError} no builder has them, or it failed
   */
  remove(dibImageId: number, signal: AbortSignal): Promise<void>;
  /** What builders offer now; undefined: no Gearman server says. */
  offers(signal: AbortSignal): Promise<BuilderOffers | undefined>;
}

export type BuildRequest = {
  readonly diskimage: string;
  readonly dibImageId: number;
  /** See `attemptOf`. Absent: a new one. */
  readonly attempt?: string;
};

/**
 * Names the one job that makes a row ready, at Gearman too (its unique id: at most 63 bytes): a daemon that asks again after a
 * restart joins the job that is under way instead of doubling it. Gearman servers may be shared by several farms.
 */
export function attemptOf(kind: 'build' | 'upload', id: number, installationId: string): string {
  return `${kind}-${id}-${installationId}`;
}

export type BuildAnswer = {
  /** Undefined of a builder of upstream's. */
  readonly builder?: string;
  /** Path of the files without their format. */
  readonly filename?: string;
  readonly formats?: readonly string[];
  /** In hex, by format, then by kind (`md5`, `sha256`), where diskimage-builder made them. */
  readonly checksums?: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

export type UploadRequest = {
  readonly dibImageId: number;
  readonly provider: string;
  /** Name in the provider's section, which says the format and the properties. */
  readonly image: string;
  /** Name of the image in the cloud. */
  readonly cloudName: string;
  /** By which the image is found again, whatever happens; see src/provider/owner-metadata.ts. */
  readonly properties: Readonly<Record<string, string>>;
  /** As of a build. */
  readonly attempt?: string;
};

export type UploadAnswer = { readonly externalId: string };

export type BuilderOffers = {
  /** Names of disk images that some builder can build. */
  readonly diskimages: ReadonlySet<string>;
  /** Builds whose files some builder has. */
  readonly dibImageIds: ReadonlySet<number>;
  /** Places whose builder is there and offers all files that it has; see `placeOfFiles`. */
  readonly places: ReadonlySet<string>;
};

/** Where a builder keeps its files: a host may have several. */
export function placeOfFiles(place: { readonly builder: string; readonly imagesDir: string }): string {
  return `${place.builder}:${place.imagesDir}`;
}

/** A builder said no, or went away. */
export class BuilderJobError extends Error {
  override readonly name = 'BuilderJobError';
  /** `lost`: the builder's connection ended; another one may do the same work again. */
  readonly kind: 'failed' | 'lost';

  constructor(kind: 'failed' | 'lost', message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** What a builder does for daemons (served by src/gearman): the other end of `BuilderJobs`. */
export interface BuilderWork {
  build(request: BuildRequest, signal: AbortSignal): Promise<BuildAnswer>;
  upload(request: UploadWork, signal: AbortSignal): Promise<UploadAnswer>;
  remove(dibImageId: number, signal: AbortSignal): Promise<void>;
}

/** What came with the job: a daemon of upstream's sends neither name nor properties. */
export type UploadWork = Pick<UploadRequest, 'dibImageId' | 'provider' | 'image'> &
  Partial<Pick<UploadRequest, 'cloudName' | 'properties'>>;
