import type { DibImage } from '../image/dib-image.ts';
import { newBuildVersion } from '../image/dib-rules.ts';
import type { DibImageStore } from '../image/dib-image-store.ts';
import { PICK_UP_MS, POLL_MS } from './await-image.ts';
import { type CommandContext, UsageError } from './command.ts';

const HOUR_MS = 3_600_000;
/** Longer than all the deadlines of a build together, of others in the queue too. */
const BUILD_HOURS = 72;

type Deps = { readonly dibImages: DibImageStore; readonly context: CommandContext; readonly why: string };

/**
 * Asks the daemon for a build of a disk image, tells its steps, waits, and gives it when it is ready.
 * @throws {UsageError} it failed, one is under way, or nobody works on it
 */
export async function buildDiskImage(diskimage: string, deps: Deps, signal: AbortSignal): Promise<DibImage> {
  const { dibImages, context, why } = deps;
  const version = newBuildVersion(diskimage, await dibImages.list({ diskimage }), context.clock.now());
  const row = await dibImages.insert({ diskimage, version }, { who: `cli:${context.user}`, why });
  if (row === undefined) throw new UsageError(`Image ${diskimage} is already being built`);
  return await awaitBuild(row, deps, signal);
}

async function awaitBuild(row: DibImage, deps: Deps, signal: AbortSignal): Promise<DibImage> {
  const { dibImages, context } = deps;
  const startedMs = context.clock.monotonicMs();
  for (let before = row; ;) {
    const now = await dibImages.find(row.id);
    if (now?.state !== 'building') return await readyOrThrow(now ?? { ...row, state: 'delete' }, deps);
    if (now.step !== before.step && now.step !== undefined) context.tell(`Disk image ${row.diskimage}: ${now.step}`);
    before = now;
    await limitWait(now, context.clock.monotonicMs() - startedMs, dibImages);
    await context.clock.sleep(POLL_MS, signal);
  }
}

async function readyOrThrow(row: DibImage, { dibImages, context }: Deps): Promise<DibImage> {
  const { diskimage } = row;
  if (row.state === 'ready') {
    context.tell(`Disk image ${diskimage} is ready: ${row.filename ?? `build ${row.id}`}`);
    return row;
  }
  const failure = (await dibImages.listFailures()).find((each) => each.diskimage === diskimage);
  throw new UsageError(`Disk image ${diskimage} failed: ${row.lastError ?? failure?.lastError ?? 'it was deleted'}`);
}

/** @throws {UsageError} nobody took the build up, or it takes longer than any build may */
async function limitWait(row: DibImage, waitedMs: number, dibImages: DibImageStore): Promise<void> {
  if (waitedMs > BUILD_HOURS * HOUR_MS) {
    throw new UsageError(`Disk image ${row.diskimage} is still being built after ${BUILD_HOURS} h`);
  }
  if (row.step !== undefined || waitedMs <= PICK_UP_MS) return;
  const cause = { who: 'cli', why: 'No daemon took it up' };
  if ((await dibImages.apply(row, 'failed', cause)) === undefined) return; // it began just now
  throw new UsageError(`Disk image ${row.diskimage}: no nodepoold took up the build, is one running?`);
}
