import type { Config } from '../config/config.ts';
import { isMissing, supersededImages, wantedSnapshots, type WantedImage } from '../image/image-rules.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';
import { type Build, type BuildDeps, BuildError } from './build.ts';
import { buildSnapshot } from './build-snapshot.ts';
import { deleteImage } from './delete-image.ts';
import { removeBuildServer } from './remove-build-server.ts';

export type ImagePassDeps = Pick<BuildDeps, 'images' | 'clock'> & {
  readonly config: () => Config;
  readonly cloudOf: (provider: string) => CloudProvider | undefined;
  /** Builds and deletions under way, by image id. */
  readonly work: KeyedTasks;
  readonly log: Logger;
  readonly buildDeps: (image: WorkOn, task: Task) => BuildDeps;
};

/** The image that a task works on, and the cloud it is in. */
export type WorkOn = { readonly provider: string; readonly image: string; readonly cloud: CloudProvider };

/** Makes what is missing, resumes what was interrupted, and removes what is superseded or marked for deletion. */
export async function runImagePass(deps: ImagePassDeps, signal: AbortSignal): Promise<void> {
  const wanted = wantedSnapshots(deps.config());
  await requestMissing(wanted, deps);
  const rows = await deps.images.list();
  for (const row of supersededImages(rows)) {
    await deps.images.apply(row, 'superseded', { who: 'image-cleanup', why: 'Two newer images are ready' });
  }
  for (const row of await deps.images.list()) await workOn(row, deps, signal);
}

async function requestMissing(wanted: readonly WantedImage[], deps: ImagePassDeps): Promise<void> {
  const known = { rows: await deps.images.list(), failures: await deps.images.listFailures() };
  for (const each of wanted) {
    if (!isMissing(each, known, deps.clock.now())) continue;
    deps.log.warn(`Missing image ${each.image.name} on ${each.provider.name}`);
    await requestBuild(each, deps, 'No image is ready');
  }
}

/** Asks for a new build of every image in use (cron `image-update`). */
export async function runImageUpdate(deps: ImagePassDeps): Promise<void> {
  for (const wanted of wantedSnapshots(deps.config())) {
    const { baseImage, setup, pause } = wanted.image;
    if (baseImage !== undefined && setup !== undefined && !pause) await requestBuild(wanted, deps, 'Cron image-update');
  }
}

async function requestBuild({ provider, image }: WantedImage, deps: ImagePassDeps, why: string): Promise<void> {
  const version = Math.floor(deps.clock.now().getTime() / 1000);
  await deps.images.insert({ provider: provider.name, image: image.name, version }, { who: 'image-scheduler', why });
}

async function workOn(row: SnapshotImage, deps: ImagePassDeps, signal: AbortSignal): Promise<void> {
  const key = `image ${row.id}`;
  const cloud = deps.cloudOf(row.provider);
  if (deps.work.has(key)) return;
  if (cloud === undefined) {
    if (row.state === 'building') await abandon(row, deps);
    return;
  }
  const on = { provider: row.provider, image: row.image, cloud };
  if (row.state === 'delete') {
    deps.work.start(key, signal, async (task, inner) => {
      await deleteImage(row, deps.buildDeps(on, task), inner);
    });
  } else if (row.state === 'building') {
    await startBuild(row, { ...deps, on }, signal);
  } else if (row.serverExternalId !== undefined) {
    deps.work.start(key, signal, async (task, inner) => {
      await removeBuildServer(row, deps.buildDeps(on, task), inner);
    });
  }
}

async function startBuild(
  row: SnapshotImage,
  deps: ImagePassDeps & { readonly on: WorkOn },
  signal: AbortSignal,
): Promise<void> {
  const build = findBuild(row, deps.config());
  if (build === undefined) {
    await abandon(row, deps);
    return;
  }
  deps.work.start(`image ${row.id}`, signal, async (task, inner) => {
    await buildSnapshot(build, deps.buildDeps(deps.on, task), inner).catch((error: unknown) => {
      if (!(error instanceof BuildError)) throw error;
      deps.log.error(error.message, { image: row.id });
    });
  });
}

/** The sections that describe the image; undefined: it is no longer configured as a snapshot. */
function findBuild(row: SnapshotImage, config: Config): Build | undefined {
  const provider = config.providers.find(({ name }) => name === row.provider);
  const image = provider?.images.find(({ name }) => name === row.image);
  if (provider === undefined || image === undefined || image.diskimage !== undefined) return undefined;
  return { row, provider, image, scriptDir: config.scriptDir };
}

async function abandon(row: SnapshotImage, deps: ImagePassDeps): Promise<void> {
  const why = 'It is no longer configured as a snapshot image';
  await deps.images.apply(row, 'failed', { who: 'image-builder', why });
}
