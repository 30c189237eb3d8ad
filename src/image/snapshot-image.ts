import type { ImageState } from './lifecycle.ts';

/** How far a build has come, stored before the step begins. After a restart, `save` is resumed; others begin anew. */
export const BUILD_STEPS = ['create-server', 'wait-active', 'wait-ssh', 'setup', 'save'] as const;
export type BuildStep = (typeof BUILD_STEPS)[number];

/** The same of an upload. Without a step no daemon has taken it up. */
export const UPLOAD_STEPS = ['wait-builder', 'upload'] as const;
export type UploadStep = (typeof UPLOAD_STEPS)[number];

/** The last step of both: the image is in the cloud, and a node is launched from it before it is ready (key `smoke-test`). */
export const SMOKE_TEST = 'smoke-test';
export type ImageStep = BuildStep | UploadStep | typeof SMOKE_TEST;

/** One row of table `snapshot_image`: an image in a provider. */
export type SnapshotImage = {
  readonly id: number;
  /** Rises with every change of the row. */
  readonly rowVersion: number;
  readonly provider: string;
  readonly image: string;
  readonly state: ImageState;
  readonly stateChangedAt: Date;
  /** Name of the build server and of the image in the cloud. */
  readonly hostname?: string;
  /** Epoch seconds of the build's start (upstream: `version`). */
  readonly version?: number;
  /** The build whose files were uploaded; undefined: a snapshot, or an upload of upstream's. */
  readonly dibImageId?: number;
  /** Id of the image in the cloud. */
  readonly externalId?: string;
  /** Id of the build server in the cloud, until it is deleted. */
  readonly serverExternalId?: string;
  /** Id of the base image that it, or a later one, was made of (see `behindNewest`). Undefined: no snapshot, or unknown. */
  readonly baseImageId?: string;
  readonly step?: ImageStep;
  /** Set with step `smoke-test`. */
  readonly stepStartedAt?: Date;
  readonly attempt?: string;
  readonly hostKey?: string;
  readonly lastError?: string;
  /** Launches in a row that failed since the last one that worked; counted where the section asks for it. Absent: none. */
  readonly failedLaunches?: number;
  /** When the first launch from it worked, by the same count; in step `smoke-test`, that of its node. */
  readonly launchedAt?: Date;
};

export type SnapshotImageFacts = {
  readonly externalId?: string;
  /** Null: the server is gone. */
  readonly serverExternalId?: string | null;
  readonly baseImageId?: string;
  readonly hostname?: string;
  readonly step?: ImageStep;
  readonly stepStartedAt?: Date;
  readonly attempt?: string;
  readonly hostKey?: string;
  readonly lastError?: string;
  /** Null: none. */
  readonly failedLaunches?: number | null;
  /** Null: none worked yet. */
  readonly launchedAt?: Date | null;
};

export type NewSnapshotImage = Pick<SnapshotImage, 'provider' | 'image' | 'dibImageId'> & {
  readonly version: number;
};

/** How often building this image here failed in a row; absent after a success. */
export type BuildFailure = {
  readonly provider: string;
  readonly image: string;
  readonly failures: number;
  readonly lastError: string;
  readonly failedAt: Date;
  readonly retryAt: Date;
};
