import type { ImageState } from './lifecycle.ts';
import type { BuildFailure } from './snapshot-image.ts';

/** How far a daemon has come with a build. Absent: none has taken it up, or its builder said that it failed. */
export const DIB_STEPS = ['wait-builder', 'submitted'] as const;
export type DibStep = (typeof DIB_STEPS)[number];

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
  readonly step?: DibStep;
  /** Where an operator deleted an upload of it, which is not made again by itself; see `placeOf`. */
  readonly withdrawnFrom: readonly string[];
  readonly lastError?: string;
};

export type DibImageFacts = {
  readonly filename?: string;
  readonly builder?: string;
  readonly formats?: readonly string[];
  /** Null: nobody works on it any more. */
  readonly step?: DibStep | null;
  readonly withdrawnFrom?: readonly string[];
  readonly lastError?: string;
};

export type NewDibImage = { readonly diskimage: string; readonly version: number };

/** `trusty-0000000002`: a build as later versions of Nodepool name it (`dib-image-list --detail`). */
export function buildName({ diskimage, id }: Pick<DibImage, 'diskimage' | 'id'>): string {
  return `${diskimage}-${String(id).padStart(10, '0')}`;
}

const BUILD_NAME = /^(.+)-(\d{10})$/;

/** What a name such as `trusty-0000000002` says; undefined: it is none. */
export function parseBuildName(text: string): Pick<DibImage, 'diskimage' | 'id'> | undefined {
  const [, diskimage, id] = BUILD_NAME.exec(text) ?? [];
  return diskimage === undefined ? undefined : { diskimage, id: Number(id) };
}

/** An image of a provider, as `withdrawnFrom` names it. */
export function placeOf({ provider, image }: { readonly provider: string; readonly image: string }): string {
  return JSON.stringify([provider, image]);
}

/** How often building this disk image failed in a row; absent after a success. */
export type DibFailure = Omit<BuildFailure, 'provider' | 'image'> & { readonly diskimage: string };
