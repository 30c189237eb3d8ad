import type { DibImage } from '../image/dib-image.ts';
import {
  isHindered,
  isPaused,
  type KnownDiskImages,
  missingUploads,
  type MissingUpload,
  newBuildVersion,
  NO_BUILD,
  supersededBuilds,
  unconfiguredBuilds,
  wantedDiskImages,
  whyBuild,
} from '../image/dib-rules.ts';
import { newVersion } from '../image/image-rules.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import type { Logger } from '../runtime/logger.ts';
import type { DibPassDeps } from './dib-pass-deps.ts';
import { workOnRows } from './work-on-rows.ts';

const SCHEDULER = 'image-scheduler';
const CLEANUP = 'image-cleanup';

/**
 * Builds and uploads what is missing or due, goes on with what an earlier process began, and removes what is superseded or
 * marked for deletion. Costs nothing where there are no disk images; else five statements at most, and what it changes.
 */
export async function runDibPass(deps: DibPassDeps, signal: AbortSignal): Promise<void> {
  const { work } = deps;
  const isConfigured = deps.config().diskimages.length > 0;
  if (!isConfigured && !work.mayHaveRows) return;
  let known = await readRows(deps);
  const changes = [
    isConfigured && deps.asksForMissing ? await requestWanted(known, deps) : 0,
    await retireBuilds(known, deps),
  ];
  if (changes.some((count) => count > 0)) known = await readRows(deps);
  work.noteRows(known.builds.length > 0 || known.images.some(({ dibImageId }) => dibImageId !== undefined));
  await workOnRows(known, deps, signal);
}

/** Asks for a new build of every disk image in use whose builds have no age of their own (cron `image-update`). */
export async function runDibUpdate(deps: DibPassDeps): Promise<void> {
  const wanted = wantedDiskImages(deps.config()).filter(({ diskimage }) => diskimage.rebuildAgeMs === undefined);
  if (wanted.length === 0) return;
  const [builds, paused] = [await deps.dibImages.list(), await readPaused(deps)];
  for (const { diskimage } of wanted) {
    if (!isPaused(diskimage, paused)) await requestBuild(diskimage.name, { builds, why: 'Cron image-update' }, deps);
  }
}

/** Where upstream's operators look for decisions. */
function pool({ log }: DibPassDeps): Logger {
  return log.child('NodePool');
}

async function readRows({ images, dibImages }: DibPassDeps): Promise<KnownDiskImages> {
  const [builds, rows] = await Promise.all([dibImages.list(), images.list()]);
  return { builds, images: rows };
}

async function readPaused({ imagePauses }: DibPassDeps): Promise<ReadonlySet<string>> {
  return new Set((await imagePauses.list()).map(({ name }) => name));
}

/** Gives how many builds and uploads it asked for. */
async function requestWanted(known: KnownDiskImages, deps: DibPassDeps): Promise<number> {
  const wanted = wantedDiskImages(deps.config());
  // Also where one is ready: the build of a newer one that failed is tried again.
  const failures = await deps.dibImages.listFailures();
  const dueBuilds = wanted.flatMap(({ diskimage }) => {
    const why = whyBuild(diskimage, { builds: known.builds, failures }, deps.clock.now());
    return why === undefined ? [] : [{ diskimage, why }];
  });
  const uploads = missingUploads(wanted, known);
  if (dueBuilds.length + uploads.length === 0) return 0;
  const paused = await readPaused(deps);
  let asked = 0;
  for (const { diskimage, why } of dueBuilds) {
    if (isPaused(diskimage, paused)) continue;
    if (why === NO_BUILD) pool(deps).warn(`Missing disk image ${diskimage.name}`);
    await requestBuild(diskimage.name, { builds: known.builds, why }, deps);
    asked += 1;
  }
  return asked + (uploads.length === 0 ? 0 : await requestUploads({ uploads, known, paused }, deps));
}

type WantedUploads = {
  readonly uploads: readonly MissingUpload[];
  readonly known: KnownDiskImages;
  readonly paused: ReadonlySet<string>;
};

async function requestUploads({ uploads, known, paused }: WantedUploads, deps: DibPassDeps): Promise<number> {
  const hindrances = { failures: await deps.images.listFailures(), paused };
  const moment = { now: deps.clock.now(), config: deps.config() };
  const due = uploads.filter((each) => !isHindered(each, hindrances, moment));
  for (const each of due) await requestUpload(each, known, deps);
  return due.length;
}

async function requestBuild(
  diskimage: string,
  { builds, why }: { readonly builds: readonly DibImage[]; readonly why: string },
  { dibImages, clock }: DibPassDeps,
): Promise<void> {
  const version = newBuildVersion(diskimage, builds, clock.now());
  await dibImages.insert({ diskimage, version }, { who: SCHEDULER, why });
  crashPoint('dib-row-made');
}

async function requestUpload(
  { provider, image, build }: MissingUpload,
  known: KnownDiskImages,
  deps: DibPassDeps,
): Promise<void> {
  const place = { provider: provider.name, image: image.name };
  const rows = known.images.filter((row) => row.provider === place.provider && row.image === place.image);
  if (!rows.some(({ state }) => state === 'ready')) pool(deps).warn(`Missing image ${image.name} on ${provider.name}`);
  const version = newVersion(place, rows, deps.clock.now());
  const why = `The provider lacks build ${build.id}`;
  await deps.images.insert({ ...place, version, dibImageId: build.id }, { who: SCHEDULER, why });
  crashPoint('upload-row-made');
}

/** Gives how many builds go. */
async function retireBuilds(known: KnownDiskImages, deps: DibPassDeps): Promise<number> {
  const superseded = supersededBuilds(known);
  for (const build of superseded) {
    await deps.dibImages.apply(build, 'superseded', { who: CLEANUP, why: 'Two newer builds are ready' });
  }
  const unconfigured = unconfiguredBuilds(known.builds, deps.config());
  for (const build of unconfigured) {
    const why = 'It is no longer configured';
    const gone = await deps.dibImages.apply(build, 'deleted', { who: CLEANUP, why });
    if (gone !== undefined) deps.log.warn(`Disk image id: ${build.id} (${build.diskimage}) goes: ${why}`);
  }
  return superseded.length + unconfigured.length;
}
