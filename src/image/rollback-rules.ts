import type { Config } from '../config/config.ts';
import { usableImages } from './image-rules.ts';
import type { SnapshotImage } from './snapshot-image.ts';

/** A new image whose launches fail, and the one that serves instead. */
export type BadImage = {
  readonly row: SnapshotImage;
  readonly before: SnapshotImage;
  readonly why: string;
};

/**
 * The newest images from which no launch worked yet, and as many failed in a row as `rollback-after` says. Never the only one:
 * bad nodes now and then are more than none.
 */
export function badImages(
  { providers }: Pick<Config, 'providers'>,
  rows: readonly SnapshotImage[],
): readonly BadImage[] {
  return providers.flatMap((provider) =>
    provider.images.flatMap(({ name, rollbackAfter }) => {
      if (rollbackAfter <= 0) return [];
      const [row, before] = usableImages({ provider: provider.name, image: name }, rows);
      if (row === undefined || before === undefined || !isBad(row, rollbackAfter)) return [];
      return [{ row, before, why: reason(row) }];
    }),
  );
}

function isBad({ launchedAt, failedLaunches = 0 }: SnapshotImage, rollbackAfter: number): boolean {
  return launchedAt === undefined && failedLaunches >= rollbackAfter;
}

function reason({ failedLaunches = 0, lastError }: SnapshotImage): string {
  const launches = failedLaunches === 1 ? 'The first launch' : `The first ${failedLaunches} launches`;
  return `${launches} from it failed: ${lastError ?? 'no reason'}`;
}
