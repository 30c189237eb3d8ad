import type { Cause } from '../node/cause.ts';
import type { DibFailure, DibImage, DibImageFacts, NewDibImage } from './dib-image.ts';
import type { ImageEvent, ImageState } from './lifecycle.ts';

export type DibImageFilter = { readonly states?: readonly ImageState[]; readonly diskimage?: string };

/** Keeps the builds of disk images (adapter: src/db). All changes write their history in the same transaction. */
export interface DibImageStore {
  find(id: number): Promise<DibImage | undefined>;
  /** Ordered by disk image, id (upstream's `dib-image-list`). */
  list(filter?: DibImageFilter): Promise<readonly DibImage[]>;
  /** Adds a row in state `building`; undefined: one is building already for that disk image. */
  insert(image: NewDibImage, cause: Cause): Promise<DibImage | undefined>;
  /** As NodeStore.apply. */
  apply(image: DibImage, event: ImageEvent, cause: Cause, facts?: DibImageFacts): Promise<DibImage | undefined>;
  /** As NodeStore.record. */
  record(id: number, facts: DibImageFacts): Promise<DibImage | undefined>;
  remove(image: DibImage, cause: Cause): Promise<void>;

  /** Ordered by disk image. */
  listFailures(): Promise<readonly DibFailure[]>;
  saveFailure(failure: DibFailure): Promise<void>;
  clearFailure(diskimage: string): Promise<void>;
}
