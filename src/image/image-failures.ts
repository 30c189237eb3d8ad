import type { SnapshotImage } from './snapshot-image.ts';

/** A build or upload that failed for good: what comes next is another one. */
export type ImageFailure = {
  /** `build`: of a disk image. `upload`: of such a build to a provider. */
  readonly kind: 'snapshot' | 'build' | 'upload';
  /** Name of the provider's image; for a build that of the disk image. */
  readonly image: string;
  /** Absent of a build. */
  readonly provider?: string;
  /** The row's, as `image-list` shows it; for a build as `dib-image-list` does. */
  readonly id: number;
  /** The build that was uploaded. */
  readonly dibImageId?: number;
  readonly reason: string;
  /** How many failed in a row by now. */
  readonly failures: number;
};

/** Is told of each failure, not of what a shutdown or an operator ends. Never throws and never waits. */
export interface ImageFailures {
  tell(failure: ImageFailure): void;
}

/** What is told of an image in a provider, snapshot or upload. */
export function failureOfImage(
  { id, provider, image, dibImageId }: SnapshotImage,
  told: Pick<ImageFailure, 'reason' | 'failures'>,
): ImageFailure {
  const kind = dibImageId === undefined ? ({ kind: 'snapshot' } as const) : ({ kind: 'upload', dibImageId } as const);
  return { ...kind, provider, image, id, ...told };
}
