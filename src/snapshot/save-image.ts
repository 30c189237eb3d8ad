import type { SnapshotImage } from '../image/snapshot-image.ts';
import { TransientProviderError, UnknownOutcomeError } from '../provider/errors.ts';
import { backoffMs } from '../runtime/backoff.ts';
import { withDeadline } from '../runtime/clock.ts';
import { DeadlineExceededError, describeError } from '../runtime/errors.ts';
import { type Build, type BuildDeps, BuildEndedError, BuildError } from './build.ts';
import { recordBuild } from './build-steps.ts';
import { findSnapshotsOf, snapshotProperties } from './snapshot-owner.ts';
import { crashPoint } from '../runtime/crash-point.ts';

const SAVE_MS = 6 * 3_600_000; // upstream: 6 h
const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 10_000;
const MAX_TRIES = 5;
const RETRY = { firstMs: 2_000, maxMs: 30_000 };
const DEAD = ['killed', 'deleted', 'deactivated'];

/** Saves the build server as an image and waits until it can be used. Resumes a snapshot that is under way. */
export async function saveImage(build: Build, deps: BuildDeps, signal: AbortSignal): Promise<SnapshotImage> {
  const row = build.row.externalId === undefined ? await startSnapshot(build, deps, signal) : build.row;
  const imageId = row.externalId ?? '';
  deps.task.waitOn(`image ${imageId} to become active`);
  const deadline = { what: `image ${imageId} to become active`, ms: SAVE_MS };
  await withDeadline(deadline, { clock: deps.clock, signal }, async (inner) => {
    for (let pollMs = FIRST_POLL_MS; !(await isSaved(row, deps, inner)); pollMs = Math.min(MAX_POLL_MS, pollMs * 1.5)) {
      await deps.clock.sleep(pollMs, inner);
    }
  });
  crashPoint('snapshot-active');
  return await recordBuild(row, {}, deps); // read back: it may have been deleted meanwhile
}

async function startSnapshot(build: Build, deps: BuildDeps, signal: AbortSignal): Promise<SnapshotImage> {
  const { row } = build;
  const saving = await recordBuild(row, { step: 'save' }, deps);
  crashPoint('save-stored');
  const earlier = row.step === 'save' ? (await findSnapshotsOf(saving, deps, signal))[0] : undefined;
  const externalId = earlier?.id ?? (await requestSnapshot({ ...build, row: saving }, deps, signal));
  const stored = await deps.images.record(saving.id, { externalId });
  if (stored === undefined) await deps.cloud.deleteImage(externalId, signal); // nobody else knows this image
  if (stored?.state !== 'building') throw new BuildEndedError(`Image ${row.id} was deleted while it was being saved`);
  crashPoint('snapshot-stored');
  return stored;
}

/** A setup script may have run for an hour: its work is not lost to one failed call. */
async function requestSnapshot(build: Build, deps: BuildDeps, signal: AbortSignal): Promise<string> {
  const { row } = build;
  const serverId = row.serverExternalId;
  if (serverId === undefined) throw new BuildError('The server to save is not known');
  const properties = { ...build.image.meta, ...snapshotProperties(row, deps.installationId) };
  const name = row.hostname ?? `${row.image}-${row.id}`;
  for (let tries = 1; ; tries += 1) {
    deps.task.waitOn(`snapshot call of ${name}`);
    try {
      crashPoint('snapshot-sent');
      const id = await deps.cloud.createSnapshot(serverId, name, properties, signal);
      crashPoint('snapshot-answered');
      return id;
    } catch (error) {
      if (!(error instanceof TransientProviderError)) throw error;
      const made = error instanceof UnknownOutcomeError ? (await findSnapshotsOf(row, deps, signal))[0] : undefined;
      if (made !== undefined) return made.id;
      if (tries >= MAX_TRIES) throw error;
      deps.log.warn(`Saving server ${name} in ${row.provider} failed, trying again`, { error });
      await deps.clock.sleep(error.retryAfterMs ?? backoffMs(tries, RETRY, deps.randomness), signal);
    }
  }
}

/** The image turns active before the server's task state clears; only both together mean that it is done. */
async function isSaved(row: SnapshotImage, deps: BuildDeps, signal: AbortSignal): Promise<boolean> {
  try {
    return (await isActive(row, deps, signal)) && (await isServerIdle(row, deps, signal));
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TransientProviderError || error instanceof DeadlineExceededError)) throw error;
    // The image is being made, whether we can ask for it at this moment or not.
    deps.log.debug(`Cannot ask for image ${row.externalId ?? ''} now: ${describeError(error)}`);
    return false;
  }
}

async function isActive({ externalId = '' }: SnapshotImage, deps: BuildDeps, signal: AbortSignal): Promise<boolean> {
  const image = await deps.cloud.findImage(externalId, signal);
  if (image === undefined) throw new BuildError('The snapshot failed in the cloud: its image is gone');
  const { status } = image;
  if (DEAD.includes(status)) throw new BuildError(`The snapshot failed in the cloud: its image is ${status}`);
  return status === 'active';
}

async function isServerIdle(
  { serverExternalId }: SnapshotImage,
  deps: BuildDeps,
  signal: AbortSignal,
): Promise<boolean> {
  if (serverExternalId === undefined) return true;
  return (await deps.cloud.findServer(serverExternalId, signal))?.taskState === undefined;
}
