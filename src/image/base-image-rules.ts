import type { Config } from '../config/config.ts';
import { isScheduled, newestFirst, type WantedImage, wantedSnapshots } from './image-rules.ts';
import type { SnapshotImage } from './snapshot-image.ts';

/** A snapshot that is made anew when the cloud has another image under the name of its base image. */
export type WatchedImage = WantedImage & { readonly baseImage: string };

/** Those of them that labels use and that are not paused by the configuration. */
export function watchedImages(config: Config): readonly WatchedImage[] {
  return wantedSnapshots(config)
    .filter(isScheduled)
    .flatMap((each) => {
      const { baseImage, rebuildOnBaseChange } = each.image;
      return rebuildOnBaseChange && baseImage !== undefined ? [{ ...each, baseImage }] : [];
    });
}

/**
 * Id of the base image that the newest ready image was made of. Undefined: there is nothing to compare with, for a new image is
 * being made, none is ready, or it was made by a Nodepool that did not store it.
 */
export function baseInUse(wanted: WantedImage, rows: readonly SnapshotImage[]): string | undefined {
  const own = rowsOf(wanted, rows);
  if (own.some(({ state }) => state === 'building')) return undefined;
  return readyOf(own)[0]?.baseImageId;
}

/**
 * The ready images before the newest that do not bear its base image's id yet. They must: else one that serves again because an
 * operator deleted the newest would ask for that again.
 */
export function behindNewest(
  watched: readonly WatchedImage[],
  rows: readonly SnapshotImage[],
): readonly { readonly row: SnapshotImage; readonly baseImageId: string }[] {
  return watched.flatMap((wanted) => {
    const [newest, ...others] = readyOf(rowsOf(wanted, rows));
    const baseImageId = newest?.baseImageId;
    if (baseImageId === undefined) return [];
    return others.filter((row) => row.baseImageId !== baseImageId).map((row) => ({ row, baseImageId }));
  });
}

function rowsOf({ provider, image }: WantedImage, rows: readonly SnapshotImage[]): readonly SnapshotImage[] {
  return rows.filter((row) => row.provider === provider.name && row.image === image.name);
}

function readyOf(rows: readonly SnapshotImage[]): readonly SnapshotImage[] {
  return rows.filter(({ state }) => state === 'ready').sort(newestFirst);
}
