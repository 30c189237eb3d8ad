import type { ImageStore } from '../image/image-store.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import { type CommandContext, UsageError } from './command.ts';

/** A daemon that runs begins a build at once; after so long there is none. */
export const PICK_UP_MS = 20_000;
/** How often a row is looked at. */
export const POLL_MS = 500;
const HOUR_MS = 3_600_000;
/** Longer than all the deadlines together: whoever was at it is gone, and nobody follows. */
const SNAPSHOT_HOURS = 22;
const UPLOAD_HOURS = 64;

type Deps = { readonly images: ImageStore; readonly context: CommandContext };

/**
 * Tells the steps of a snapshot's build, or of an upload, and waits until it is ready.
 * @throws {UsageError} it failed, or nobody works on it
 */
export async function awaitImage(row: SnapshotImage, deps: Deps, signal: AbortSignal): Promise<void> {
  const { images, context } = deps;
  const startedMs = context.clock.monotonicMs();
  let before = row;
  for (;;) {
    const now = await images.find(row.id);
    if (now?.state !== 'building') {
      await tellEnd(now ?? { ...row, state: 'delete' }, deps);
      return;
    }
    if (now.step !== before.step && now.step !== undefined) context.tell(`${describeImage(row)}: ${now.step}`);
    before = now;
    await limitWait(now, context.clock.monotonicMs() - startedMs, images);
    await context.clock.sleep(POLL_MS, signal);
  }
}

export function describeImage(row: Pick<SnapshotImage, 'image' | 'provider'>): string {
  return `Image ${row.image} on ${row.provider}`;
}

/** @throws {UsageError} nobody took the build up, or it takes longer than any build may */
async function limitWait(row: SnapshotImage, waitedMs: number, images: ImageStore): Promise<void> {
  if (row.step === undefined && waitedMs > PICK_UP_MS) await withdraw(row, images);
  const hours = row.dibImageId === undefined ? SNAPSHOT_HOURS : UPLOAD_HOURS;
  if (waitedMs > hours * HOUR_MS) {
    throw new UsageError(`${describeImage(row)} is still in step "${row.step ?? 'none'}" after ${hours} h`);
  }
}

async function tellEnd(row: SnapshotImage, { images, context }: Deps): Promise<void> {
  if (row.state !== 'ready') throw new UsageError(`${describeImage(row)} failed: ${await reasonOf(row, images)}`);
  context.tell(`${describeImage(row)} is ready: ${row.externalId ?? 'no id'}`);
}

async function reasonOf(row: SnapshotImage, images: ImageStore): Promise<string> {
  if (row.lastError !== undefined) return row.lastError;
  const failures = await images.listFailures();
  const failure = failures.find(({ provider, image }) => provider === row.provider && image === row.image);
  return failure?.lastError ?? 'it was deleted';
}

async function withdraw(row: SnapshotImage, images: ImageStore): Promise<void> {
  const cause = { who: 'cli', why: 'No daemon took it up' };
  if ((await images.apply(row, 'failed', cause)) === undefined) return; // it began just now
  const what = row.dibImageId === undefined ? 'build' : 'upload';
  throw new UsageError(`${describeImage(row)}: no nodepoold took up the ${what}, is one running?`);
}
