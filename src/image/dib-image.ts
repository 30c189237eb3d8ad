import type { ImageState } from './lifecycle.ts';

/** One row of table `dib_image`: files that diskimage-builder makes, one for each format. */
export type DibImage = {
  /** Also the name of its files: `IMAGES_DIR/ID.FORMAT`. */
  readonly id: number;
  /** Rises with every change of the row. */
  readonly rowVersion: number;
  /** Name of the section in `diskimages`. */
  readonly diskimage: string;
  readonly state: ImageState;
  readonly stateChangedAt: Date;
  /** Path of the files without their format; undefined: no builder has told it yet. */
  readonly filename?: string;
  /** Epoch seconds of the build's start (upstream: `version`). */
  readonly version?: number;
  /** Host of the builder that has the files. */
  readonly builder?: string;
  /** Formats of the files, such as `qcow2`. */
  readonly formats: readonly string[];
  readonly lastError?: string;
};

export type DibImageFacts = {
  readonly filename?: string;
  readonly builder?: string;
  readonly formats?: readonly string[];
  readonly lastError?: string;
};

export type NewDibImage = { readonly diskimage: string; readonly version: number };

/** `trusty-0000000002`: a build as later versions of Nodepool name it (`dib-image-list --detail`). */
export function buildName({ diskimage, id }: Pick<DibImage, 'diskimage' | 'id'>): string {
  return `${diskimage}-${String(id).padStart(10, '0')}`;
}
