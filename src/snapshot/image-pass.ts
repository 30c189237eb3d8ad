import type { Config } from '../config/config.ts';
import { buildLogPlace } from '../config/build-log-place.ts';
import { behindNewest, watchedImages } from '../image/base-image-rules.ts';
import { pausedImages } from '../image/dib-rules.ts';
import {
  isAbsent,
  isMissing,
  isScheduled,
  newVersion,
  supersededImages,
  unconfiguredImages,
  type WantedImage,
  wantedSnapshots,
} from '../image/image-rules.ts';
import type { ImagePauseStore } from '../image/image-pause-store.ts';
import { settleSmokeTest } from '../image/settle-smoke-test.ts';
import { type WaitingImage, waitsForSmokeTest } from '../image/smoke-test.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';
import { type Build, type BuildDeps, BuildEndedError, BuildError } from './build.ts';
import { buildSnapshot } from './build-snapshot.ts';
import { deleteImage } from './delete-image.ts';
import type { ImageWork } from './image-work.ts';
import { removeBuildServer } from './remove-build-server.ts';

export type ImagePassDeps = Pick<BuildDeps, 'images' | 'clock' | 'randomness' | 'metrics' | 'imageFailures'> & {
  readonly imagePauses: Pick<ImagePauseStore, 'list'>;
  readonly config: () => Config;
  /** Undefined: the provider is unknown. */
  readonly cloudOf: (provider: string) => CloudProvider | undefined;
  /** False: another daemon asks for what is missing (upstream: --no-launches, --no-images). */
  readonly asksForMissing: boolean;
  readonly work: ImageWork;
  readonly log: Logger;
  readonly buildDeps: (image: WorkOn, task: Task) => BuildDeps;
};

/** The image that a task works on, and the cloud it is in. */
export type WorkOn = { readonly provider: string; readonly image: string; readonly cloud: CloudProvider };

type Chore = { readonly row: SnapshotImage; readonly cloud: CloudProvider };

/**
 * Makes what is missing, resumes what was interrupted, and removes what is superseded or marked for deletion. Of uploaded
 * images it marks only what is superseded or not configured: the rest of their life is src/dib's.
 */
export async function runImagePass(deps: ImagePassDeps, signal: AbortSignal): Promise<void> {
  let rows = await deps.images.list();
  if (deps.asksForMissing && (await requestMissing(rows, deps))) rows = await deps.images.list();
  if (await noteBaseImages(rows, deps)) rows = await deps.images.list();
  if (await retireImages(rows, deps)) rows = await deps.images.list();
  for (const row of rows) if (row.dibImageId === undefined) await workOn(row, deps, signal);
}

/** Asks for a new build of every snapshot in use (cron `image-update`). */
export async function runImageUpdate(deps: ImagePassDeps): Promise<void> {
  const wanted = wantedSnapshots(deps.config()).filter(isScheduled);
  if (wanted.length === 0) return;
  const paused = await readPaused(deps);
  for (const each of wanted) if (!paused.has(each.image.name)) await requestBuild(each, deps, 'Cron image-update');
}

/** Tells whether it asked for anything. */
async function requestMissing(rows: readonly SnapshotImage[], deps: ImagePassDeps): Promise<boolean> {
  const absent = wantedSnapshots(deps.config()).filter((each) => isAbsent(each, rows));
  if (absent.length === 0) return false;
  const [failures, paused] = await Promise.all([deps.images.listFailures(), readPaused(deps)]);
  const missing = absent.filter((each) => isMissing(each, { rows, failures }, deps.clock.now()));
  const due = missing.filter(({ image }) => !paused.has(image.name));
  for (const each of due) {
    deps.log.warn(`Missing image ${each.image.name} on ${each.provider.name}`);
    await requestBuild(each, deps, 'No image is ready');
  }
  return due.length > 0;
}

async function readPaused({ imagePauses, config }: ImagePassDeps): Promise<ReadonlySet<string>> {
  return pausedImages(new Set((await imagePauses.list()).map(({ name }) => name)), config());
}

/** Asks for a build, unless one is under way. */
export async function requestBuild(
  { provider, image }: WantedImage,
  deps: Pick<ImagePassDeps, 'images' | 'clock'>,
  why: string,
): Promise<void> {
  const wanted = { provider: provider.name, image: image.name };
  const version = newVersion(wanted, await deps.images.list(wanted), deps.clock.now());
  await deps.images.insert({ ...wanted, version }, { who: 'image-scheduler', why });
}

/** Tells whether any changed. */
async function noteBaseImages(rows: readonly SnapshotImage[], deps: ImagePassDeps): Promise<boolean> {
  const behind = behindNewest(watchedImages(deps.config()), rows);
  for (const { row, baseImageId } of behind) await deps.images.record(row.id, { baseImageId });
  return behind.length > 0;
}

/** Tells whether any goes. */
async function retireImages(rows: readonly SnapshotImage[], deps: ImagePassDeps): Promise<boolean> {
  const superseded = supersededImages(rows);
  for (const row of superseded) {
    await deps.images.apply(row, 'superseded', { who: 'image-cleanup', why: 'Two newer images are ready' });
  }
  const unconfigured = unconfiguredImages(rows, deps.config());
  for (const row of unconfigured) await abandon(row, 'It is no longer configured', deps);
  return superseded.length + unconfigured.length > 0;
}

async function abandon(row: SnapshotImage, why: string, deps: ImagePassDeps): Promise<void> {
  const gone = await deps.images.apply(row, 'deleted', { who: 'image-cleanup', why });
  if (gone !== undefined) deps.log.warn(`Image id: ${row.id} (${row.image} in ${row.provider}) goes: ${why}`);
}

async function workOn(row: SnapshotImage, deps: ImagePassDeps, signal: AbortSignal): Promise<void> {
  const cloud = deps.cloudOf(row.provider);
  if (cloud === undefined) {
    if (row.state === 'delete' && deps.work.unknownProviders.isNew(row.provider)) {
      deps.log.warn(`Images of provider ${row.provider} cannot be deleted: it is no longer configured`);
    }
    return;
  }
  deps.work.unknownProviders.forget(row.provider);
  if (waitsForSmokeTest(row)) await settle({ row, cloud }, deps, signal);
  else if (row.state === 'building') await startBuild({ row, cloud }, deps, signal);
  else if (row.state === 'delete') startDeletion({ row, cloud }, deps, signal);
  else if (row.serverExternalId !== undefined) startServerRemoval({ row, cloud }, deps, signal);
}

async function settle(
  { row, cloud }: Chore & { readonly row: WaitingImage },
  deps: ImagePassDeps,
  signal: AbortSignal,
): Promise<void> {
  const build = findBuild(row, deps.config());
  if (build === undefined) await abandon(row, 'It is no longer configured as a snapshot image', deps);
  else await settleSmokeTest(row, { ...build.image, ...build.provider }, deps);
  if (row.serverExternalId !== undefined) startServerRemoval({ row, cloud }, deps, signal);
}

async function startBuild({ row, cloud }: Chore, deps: ImagePassDeps, signal: AbortSignal): Promise<void> {
  const build = findBuild(row, deps.config());
  if (build === undefined) {
    await abandon(row, 'It is no longer configured as a snapshot image', deps);
    return;
  }
  deps.work.builds.start({ key: keyOf(row), lane: row.provider }, signal, async (task, inner) => {
    const current = await deps.images.find(row.id); // its turn may come late: another process may have built it
    if (current?.state !== 'building' || waitsForSmokeTest(current)) return;
    await buildSnapshot({ ...build, row: current }, deps.buildDeps({ ...row, cloud }, task), inner).catch(
      (error: unknown) => {
        if (!(error instanceof BuildError)) throw error;
        deps.log.error(error.message, { image: row.id });
      },
    );
  });
}

/** The sections that describe the image; undefined: it is no longer configured as a snapshot. */
function findBuild(row: SnapshotImage, config: Config): Build | undefined {
  const provider = config.providers.find(({ name }) => name === row.provider);
  const image = provider?.images.find(({ name }) => name === row.image);
  if (provider === undefined || image === undefined || image.diskimage !== undefined) return undefined;
  return { row, provider, image, scriptDir: config.scriptDir, buildLog: buildLogPlace(config) };
}

function startDeletion({ row, cloud }: Chore, deps: ImagePassDeps, signal: AbortSignal): void {
  startRemoval(row, deps, signal, async (task, inner) => {
    // Its build first lets go of the server: it would notice the row's state only after its setup script.
    await deps.work.builds.stop(keyOf(row), new BuildEndedError(`Image ${row.id} is deleted`));
    // A row that another program removed meanwhile may have left what that build was just making.
    const current = (await deps.images.find(row.id)) ?? row;
    await deleteImage(current, deps.buildDeps({ ...row, cloud }, task), inner);
  });
}

function startServerRemoval({ row, cloud }: Chore, deps: ImagePassDeps, signal: AbortSignal): void {
  if (deps.work.builds.has(keyOf(row))) return; // its build is about to do it
  startRemoval(row, deps, signal, async (task, inner) => {
    await removeBuildServer(row, deps.buildDeps({ ...row, cloud }, task), inner);
  });
}

// eslint-disable-next-line max-params -- the house's three and the work
function startRemoval(
  row: SnapshotImage,
  deps: ImagePassDeps,
  signal: AbortSignal,
  work: (task: Task, signal: AbortSignal) => Promise<void>,
): void {
  const { removals, retries } = deps.work;
  if (!retries.isDue(row.id)) return;
  removals.start({ key: keyOf(row), lane: row.provider }, signal, async (task, inner) => {
    try {
      await work(task, inner);
      retries.forget(row.id);
    } catch (error) {
      inner.throwIfAborted();
      retries.postpone(row.id);
      const ageS = Math.round((deps.clock.now().getTime() - row.stateChangedAt.getTime()) / 1000);
      deps.log.warn(`Removal of image id: ${row.id} goes on later: ${describeError(error)}`, {
        provider: row.provider,
        ageS,
      });
    }
  });
}

function keyOf(row: SnapshotImage): string {
  return `image ${row.id}`;
}
