import type { Config, DiskImageConfig } from '../config/config.ts';
import { type DibFailure, type DibImage, placeOf } from './dib-image.ts';
import { KEPT, newestFirst, usedImages, type WantedImage } from './image-rules.ts';
import type { BuildFailure, SnapshotImage } from './snapshot-image.ts';

/** A disk image that labels use, and where its builds go. */
export type WantedDiskImage = {
  readonly diskimage: DiskImageConfig;
  readonly uploads: readonly WantedImage[];
};

/** What the database says of disk images. */
export type KnownDiskImages = {
  readonly builds: readonly DibImage[];
  /** All images of providers, snapshots too. */
  readonly images: readonly SnapshotImage[];
};

/** What keeps from uploading. */
export type Hindrances = {
  readonly failures: readonly BuildFailure[];
  /** Names that operators paused by a command. */
  readonly paused: ReadonlySet<string>;
};

/** A build that a provider should have. */
export type MissingUpload = WantedImage & { readonly build: DibImage };

/**
 * The disk images that labels use, in the configuration's order, each with all images of providers that labels use and that
 * it builds. A label with negative min-ready uses none.
 */
export function wantedDiskImages(config: Config): readonly WantedDiskImage[] {
  const used = usedImages(config).filter(({ image }) => image.diskimage !== undefined);
  return config.diskimages.flatMap((diskimage) => {
    const uploads = used.filter(({ image }) => image.diskimage === diskimage.name);
    return uploads.length === 0 ? [] : [{ diskimage, uploads }];
  });
}

/** Whether builds of the disk image may be begun without an operator's command. */
export function isPaused({ name, pause }: DiskImageConfig, paused: ReadonlySet<string>): boolean {
  return pause || paused.has(name);
}

/** Why the first build begins. */
export const NO_BUILD = 'No build is ready';

/**
 * Why a build should begin now, unless it is paused; undefined: it should not. Builds that are due by the cron are not among
 * these.
 */
export function whyBuild(
  diskimage: DiskImageConfig,
  { builds, failures }: { readonly builds: readonly DibImage[]; readonly failures: readonly DibFailure[] },
  now: Date,
): string | undefined {
  const own = builds.filter((build) => build.diskimage === diskimage.name);
  if (own.some(({ state }) => state === 'building')) return undefined;
  const failure = failures.find((each) => each.diskimage === diskimage.name);
  if (failure !== undefined && failure.retryAt > now) return undefined;
  const newest = newestBuild(own);
  if (newest === undefined) return NO_BUILD;
  if (failure !== undefined) return `The last one failed: ${failure.lastError}`;
  const ageMs = now.getTime() - newest.stateChangedAt.getTime();
  if (ageMs > (diskimage.rebuildAgeMs ?? Infinity)) return 'The newest build is older than its rebuild-age';
  return undefined;
}

/** The newest of the builds that are ready (upstream: by version). */
export function newestBuild(builds: readonly DibImage[]): DibImage | undefined {
  return builds.filter(({ state }) => state === 'ready').sort(newestFirst)[0];
}

/**
 * The uploads that should begin, but for hindrances: providers that lack the newest ready build. One that an operator took
 * back there does not count, so that the one before it serves until there is a newer one.
 */
export function missingUploads(
  wanted: readonly WantedDiskImage[],
  { builds, images }: KnownDiskImages,
): readonly MissingUpload[] {
  const ready = byKey(builds, ({ diskimage }) => diskimage);
  const rows = byKey(images, placeOf);
  return wanted.flatMap(({ diskimage, uploads }) =>
    uploads.flatMap((each) => {
      const place = placeOf({ provider: each.provider.name, image: each.image.name });
      const candidates = (ready.get(diskimage.name) ?? []).filter(
        ({ withdrawnFrom }) => !withdrawnFrom.includes(place),
      );
      const build = newestBuild(candidates);
      if (build === undefined || each.image.pause || isServed(build, rows.get(place) ?? [], builds)) return [];
      return [{ ...each, build }];
    }),
  );
}

/** Whether the build, or what came after it, is in the provider or on its way there. */
function isServed(build: DibImage, rows: readonly SnapshotImage[], builds: readonly DibImage[]): boolean {
  return rows.some(({ state, version = 0, dibImageId }) => {
    if (state !== 'ready') return state === 'building';
    // An upload of upstream's does not tell its build, but was made after it.
    if (dibImageId === undefined) return version >= (build.version ?? 0);
    // A newer build goes on serving when its files are deleted. Ids rise, but may be those of another disk image.
    const { diskimage } = builds.find(({ id }) => id === dibImageId) ?? build;
    return dibImageId >= build.id && diskimage === build.diskimage;
  });
}

/** Whether operators paused the upload, or the last failure is too short ago. */
export function isHindered(
  { provider, image }: WantedImage,
  { failures, paused }: Hindrances,
  { now, config }: { readonly now: Date; readonly config: Pick<Config, 'diskimages'> },
): boolean {
  if (pausedImages(paused, config).has(image.name)) return true;
  const failure = failures.find((each) => each.provider === provider.name && each.image === image.name);
  return failure !== undefined && failure.retryAt > now;
}

/** Of the paused names those that mean images of providers: a disk image of the name comes first. */
export function pausedImages(
  paused: ReadonlySet<string>,
  { diskimages }: Pick<Config, 'diskimages'>,
): ReadonlySet<string> {
  return new Set([...paused].filter((name) => !diskimages.some((diskimage) => diskimage.name === name)));
}

/**
 * The ready builds that newer ones replace. One that is being uploaded is still needed; one that operators took back everywhere
 * replaces none.
 */
export function supersededBuilds({ builds, images }: KnownDiskImages): readonly DibImage[] {
  const needed = uploading(images);
  const served = new Set(images.filter(({ state }) => state === 'ready').map(({ dibImageId }) => dibImageId));
  const isGood = ({ id, withdrawnFrom }: DibImage): boolean => withdrawnFrom.length === 0 || served.has(id);
  const ready = builds.filter(({ state }) => state === 'ready');
  return [...byKey(ready, ({ diskimage }) => diskimage).values()]
    .flatMap((group) => {
      const sorted = [...group].sort(newestFirst);
      const kept = new Set(sorted.filter(isGood).slice(0, KEPT));
      return sorted.slice(KEPT).filter((build) => !kept.has(build));
    })
    .filter(({ id }) => !needed.has(id));
}

/** The builds of disk images that no section describes any more. */
export function unconfiguredBuilds(
  builds: readonly DibImage[],
  { diskimages }: Pick<Config, 'diskimages'>,
): readonly DibImage[] {
  const configured = new Set(diskimages.map(({ name }) => name));
  return builds.filter(({ state, diskimage }) => state !== 'delete' && !configured.has(diskimage));
}

/** Ids of the builds that are being uploaded. */
export function uploading(images: readonly SnapshotImage[]): ReadonlySet<number> {
  const ids = images.map(({ state, dibImageId }) => (state === 'building' ? dibImageId : undefined));
  return new Set(ids.filter((id) => id !== undefined));
}

/** The version of a build that begins now (upstream: epoch seconds); always later than those before it. */
export function newBuildVersion(diskimage: string, builds: readonly DibImage[], now: Date): number {
  const earlier = builds.filter((build) => build.diskimage === diskimage);
  return Math.max(Math.floor(now.getTime() / 1000), ...earlier.map(({ version = 0 }) => version + 1));
}

function byKey<Row>(rows: readonly Row[], keyOf: (row: Row) => string): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}
