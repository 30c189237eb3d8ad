import type { Config, ProviderConfig, ProviderImageConfig } from '../config/config.ts';
import type { BuildFailure, SnapshotImage } from './snapshot-image.ts';

/** The current image and the one before it are kept (upstream: image cleanup). */
export const KEPT = 2;

/** An image that a provider should have. */
export type WantedImage = {
  readonly provider: ProviderConfig;
  readonly image: ProviderImageConfig;
};

/** The snapshot images that labels use, in the configuration's order. A label with negative min-ready uses none. */
export function wantedSnapshots(config: Config): readonly WantedImage[] {
  return usedImages(config).filter(({ image }) => image.diskimage === undefined);
}

/** All images that labels use, snapshots or not. */
export function usedImages(config: Config): readonly WantedImage[] {
  const used = new Set(
    config.labels
      .filter((label) => label.minReady >= 0)
      .flatMap((label) => label.providers.map((provider) => JSON.stringify([provider, label.image]))),
  );
  return config.providers.flatMap((provider) =>
    provider.images
      .filter((image) => used.has(JSON.stringify([provider.name, image.name])))
      .map((image) => ({ provider, image })),
  );
}

/** What the database says of images. */
export type KnownImages = {
  readonly rows: readonly SnapshotImage[];
  readonly failures: readonly BuildFailure[];
};

/** Whether snapshots of the image are built without an operator's command. */
export function isScheduled({ image }: WantedImage): boolean {
  return image.baseImage !== undefined && image.setup !== undefined && !image.pause;
}

/** Whether no image is ready or on its way. */
export function isAbsent(wanted: WantedImage, rows: readonly SnapshotImage[]): boolean {
  return isScheduled(wanted) && !rows.some((row) => isOf(wanted, row) && row.state !== 'delete');
}

/** Whether a build should begin now because no image is ready or on its way, and the last failure is long enough ago. */
export function isMissing(wanted: WantedImage, { rows, failures }: KnownImages, now: Date): boolean {
  const { provider, image } = wanted;
  if (!isAbsent(wanted, rows)) return false;
  const failure = failures.find((each) => each.provider === provider.name && each.image === image.name);
  return failure === undefined || failure.retryAt.getTime() <= now.getTime();
}

/** The images of one name that nodes may be launched from, newest first. */
export function usableImages(
  { provider, image }: Pick<SnapshotImage, 'provider' | 'image'>,
  rows: readonly SnapshotImage[],
): readonly SnapshotImage[] {
  return rows
    .filter((row) => row.provider === provider && row.image === image)
    .filter(({ state, externalId }) => state === 'ready' && externalId !== undefined)
    .sort(newestFirst);
}

/** The ready images that newer ones replace. */
export function supersededImages(rows: readonly SnapshotImage[]): readonly SnapshotImage[] {
  const groups = new Map<string, SnapshotImage[]>();
  for (const row of rows) {
    if (row.state !== 'ready') continue;
    const key = JSON.stringify([row.provider, row.image]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap((group) => group.sort(newestFirst).slice(KEPT));
}

/** The images that no section describes any more: their provider is gone, or has no image of that name (upstream: cleanup). */
export function unconfiguredImages(rows: readonly SnapshotImage[], config: Config): readonly SnapshotImage[] {
  const configured = new Set(
    config.providers.flatMap((provider) => provider.images.map(({ name }) => JSON.stringify([provider.name, name]))),
  );
  return rows.filter((row) => row.state !== 'delete' && !configured.has(JSON.stringify([row.provider, row.image])));
}

/**
 * The version of a build that begins now (upstream: epoch seconds). Always later than its predecessors': names of servers,
 * keypairs and images are made of it.
 */
export function newVersion(
  { provider, image }: Pick<SnapshotImage, 'provider' | 'image'>,
  rows: readonly SnapshotImage[],
  now: Date,
): number {
  const earlier = rows.filter((row) => row.provider === provider && row.image === image);
  return Math.max(Math.floor(now.getTime() / 1000), ...earlier.map(({ version = 0 }) => version + 1));
}

/** Newest build first (upstream: by version). */
export function newestFirst(
  a: Pick<SnapshotImage, 'id' | 'version'>,
  b: Pick<SnapshotImage, 'id' | 'version'>,
): number {
  return (b.version ?? 0) - (a.version ?? 0) || b.id - a.id;
}

function isOf({ provider, image }: WantedImage, row: SnapshotImage): boolean {
  return row.provider === provider.name && row.image === image.name;
}
