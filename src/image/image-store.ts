import type { Cause } from '../node/cause.ts';
import type { ImageEvent, ImageState } from './lifecycle.ts';
import type { BuildFailure, NewSnapshotImage, SnapshotImage, SnapshotImageFacts } from './snapshot-image.ts';

export type ImageFilter = {
  readonly states?: readonly ImageState[];
  readonly provider?: string;
  readonly image?: string;
};

/** Keeps the images of providers (adapter: src/db). All changes write their history in the same transaction. */
export interface ImageStore {
  find(id: number): Promise<SnapshotImage | undefined>;
  /** Ordered by provider, image, id (upstream's `image-list`). */
  list(filter?: ImageFilter): Promise<readonly SnapshotImage[]>;
  /** Adds a row in state `building`; undefined: one is building already for that provider and image. */
  insert(image: NewSnapshotImage, cause: Cause): Promise<SnapshotImage | undefined>;
  /** As NodeStore.apply. */
  apply(
    image: SnapshotImage,
    event: ImageEvent,
    cause: Cause,
    facts?: SnapshotImageFacts,
  ): Promise<SnapshotImage | undefined>;
  /** As NodeStore.record. */
  record(id: number, facts: SnapshotImageFacts): Promise<SnapshotImage | undefined>;
  /**
   * Notes how a launch from the image ended: counts one more that failed, with `why` as the last error; one that worked ends the
   * count, and the first such is kept. Undefined: the row is gone.
   */
  noteLaunch(id: number, end: 'launched' | 'launchFailed', cause: Cause): Promise<SnapshotImage | undefined>;
  remove(image: SnapshotImage, cause: Cause): Promise<void>;

  listFailures(): Promise<readonly BuildFailure[]>;
  saveFailure(failure: BuildFailure): Promise<void>;
  clearFailure(provider: string, image: string): Promise<void>;
}
