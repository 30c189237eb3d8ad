import type { DibImage } from '../image/dib-image.ts';
import { type KnownDiskImages, uploading } from '../image/dib-rules.ts';
import { settleSmokeTest } from '../image/settle-smoke-test.ts';
import { type WaitingImage, waitsForSmokeTest } from '../image/smoke-test.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import { describeError } from '../runtime/errors.ts';
import type { TaskKey } from '../runtime/keyed-tasks.ts';
import type { Task } from '../runtime/task-board.ts';
import { buildDiskImage } from './build-disk-image.ts';
import { deleteUpload } from './delete-upload.ts';
import { DibEndedError, DibError } from './dib-errors.ts';
import type { DibPassDeps } from './dib-pass-deps.ts';
import { removeBuild } from './remove-build.ts';
import { type DiskImageUpload, uploadDiskImage, type UploadRow } from './upload-disk-image.ts';

/** Starts the work that the rows need, unless it is under way. */
export async function workOnRows(known: KnownDiskImages, deps: DibPassDeps, signal: AbortSignal): Promise<void> {
  const needed = uploading(known.images);
  for (const build of known.builds) {
    if (build.state === 'building') startBuild(build, deps, signal);
    else if (build.state === 'delete' && !needed.has(build.id)) startBuildRemoval(build, deps, signal);
  }
  const buildIds = new Set(known.builds.map(({ id }) => id));
  for (const row of known.images) {
    if (isUpload(row)) await workOnUpload(row, { buildIds, deps }, signal);
  }
}

function isUpload(row: SnapshotImage): row is UploadRow {
  return row.dibImageId !== undefined;
}

function startBuild(row: DibImage, deps: DibPassDeps, signal: AbortSignal): void {
  const { diskimages, imagesDir } = deps.config();
  const diskimage = diskimages.find(({ name }) => name === row.diskimage);
  if (diskimage === undefined) return; // marked for deletion by the same pass
  deps.work.builds.start(keyOfBuild(row), signal, async (task, inner) => {
    const current = await deps.dibImages.find(row.id); // its turn may come late
    if (current?.state !== 'building') return;
    const log = deps.log.child('ImageUpdater');
    const work = buildDiskImage(
      { row: current, diskimage, imagesDir },
      { ...deps, builds: deps.dibImages, log, task },
      inner,
    );
    await work.catch((error: unknown) => {
      if (!(error instanceof DibError)) throw error;
      log.error(error.message, { build: row.id });
    });
  });
}

function startBuildRemoval(row: DibImage, deps: DibPassDeps, signal: AbortSignal): void {
  const key = keyOfBuild(row);
  startRemoval({ ...key, lane: 'builders' }, { row, deps }, signal, async (task, inner) => {
    await deps.work.builds.stop(key.key, new DibEndedError(`Disk image ${row.id} is deleted`));
    const current = await deps.dibImages.find(row.id);
    if (current === undefined) return 'gone';
    const log = deps.log.child('ImageDeleter');
    return await removeBuild(current, { ...deps, builds: deps.dibImages, log, task }, inner);
  });
}

type UploadWorld = { readonly buildIds: ReadonlySet<number>; readonly deps: DibPassDeps };

async function workOnUpload(row: UploadRow, { buildIds, deps }: UploadWorld, signal: AbortSignal): Promise<void> {
  if (row.state === 'ready') return;
  const cloud = deps.cloudOf(row.provider);
  if (cloud === undefined) {
    if (row.state === 'delete' && deps.work.unknownProviders.isNew(row.provider)) {
      deps.log.warn(`Images of provider ${row.provider} cannot be deleted: it is no longer configured`);
    }
    return;
  }
  deps.work.unknownProviders.forget(row.provider);
  if (row.state === 'delete') {
    startUploadRemoval(row, { cloud, deps }, signal);
    return;
  }
  const upload = buildIds.has(row.dibImageId) ? findUpload(row, deps) : undefined;
  if (upload === undefined) await abandon(row, deps);
  else if (waitsForSmokeTest(row)) await settle(row, upload, deps);
  else startUpload(upload, { cloud, deps }, signal);
}

/** The sections that describe the image; undefined: it is no longer configured as a disk image. */
function findUpload(row: UploadRow, deps: DibPassDeps): DiskImageUpload | undefined {
  const provider = deps.config().providers.find(({ name }) => name === row.provider);
  const image = provider?.images.find(({ name }) => name === row.image);
  if (provider === undefined || image?.diskimage === undefined) return undefined;
  return { row, provider, image };
}

async function abandon(row: UploadRow, { images, log }: DibPassDeps): Promise<void> {
  const why = 'Its build is gone, or it is no longer configured as a disk image';
  const gone = await images.apply(row, 'deleted', { who: 'image-cleanup', why });
  if (gone !== undefined) log.warn(`Image id: ${row.id} (${row.image} in ${row.provider}) goes: ${why}`);
}

async function settle(row: WaitingImage, { provider, image }: DiskImageUpload, deps: DibPassDeps): Promise<void> {
  await settleSmokeTest(row, { ...image, ...provider }, { ...deps, log: deps.log.child('ImageUpdater') });
}

type CloudWork = { readonly cloud: CloudProvider; readonly deps: DibPassDeps };

function startUpload(upload: DiskImageUpload, { cloud, deps }: CloudWork, signal: AbortSignal): void {
  const { id } = upload.row;
  deps.work.uploads.start(keyOfUpload(upload.row), signal, async (task, inner) => {
    const current = await deps.images.find(id); // its turn may come late
    if (current?.state !== 'building' || !isUpload(current) || waitsForSmokeTest(current)) return;
    const log = deps.log.child('ImageUpdater');
    await uploadDiskImage({ ...upload, row: current }, { ...deps, cloud, log, task }, inner).catch((error: unknown) => {
      if (!(error instanceof DibError)) throw error;
      log.error(error.message, { image: id });
    });
  });
}

function startUploadRemoval(row: UploadRow, { cloud, deps }: CloudWork, signal: AbortSignal): void {
  const key = keyOfUpload(row);
  startRemoval(key, { row, deps }, signal, async (task, inner) => {
    await deps.work.uploads.stop(key.key, new DibEndedError(`Image ${row.id} is deleted`));
    const current = (await deps.images.find(row.id)) ?? row; // a row that is gone may have left what was just made
    await deleteUpload(current, { ...deps, cloud, log: deps.log.child('ImageDeleter'), task }, inner);
    return 'gone';
  });
}

type Removal = { readonly row: DibImage | SnapshotImage; readonly deps: DibPassDeps };

// eslint-disable-next-line max-params -- the house's three and the work
function startRemoval(
  key: TaskKey,
  { row, deps }: Removal,
  signal: AbortSignal,
  work: (task: Task, signal: AbortSignal) => Promise<'gone' | 'waiting'>,
): void {
  const { removals, retries } = deps.work;
  if (!retries.isDue(key.key)) return;
  removals.start(key, signal, async (task, inner) => {
    try {
      if ((await work(task, inner)) === 'gone') retries.forget(key.key);
      else retries.postpone(key.key);
    } catch (error) {
      inner.throwIfAborted();
      retries.postpone(key.key);
      const ageS = Math.round((deps.clock.now().getTime() - row.stateChangedAt.getTime()) / 1000);
      deps.log.warn(`Removal of ${key.key} goes on later: ${describeError(error)}`, { ageS });
    }
  });
}

function keyOfBuild({ id, diskimage }: DibImage): TaskKey {
  return { key: `disk image id: ${id}`, lane: diskimage };
}

function keyOfUpload({ id, provider }: UploadRow): TaskKey {
  return { key: `image id: ${id}`, lane: provider };
}
