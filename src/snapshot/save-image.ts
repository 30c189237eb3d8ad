import type { SnapshotImage } from '../image/snapshot-image.ts';
import { withDeadline } from '../runtime/clock.ts';
import { type Build, type BuildDeps, BuildError } from './build.ts';
import { recordBuild } from './build-steps.ts';

const SAVE_MS = 6 * 3_600_000; // upstream: 6 h
const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 10_000;

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
  return row;
}

async function startSnapshot(build: Build, deps: BuildDeps, signal: AbortSignal): Promise<SnapshotImage> {
  const { row, image } = build;
  const saving = await recordBuild(row, { step: 'save' }, deps);
  const name = saving.hostname ?? `${image.name}-${row.id}`;
  const externalId = await deps.cloud.createSnapshot(saving.serverExternalId ?? '', name, image.meta, signal);
  return await recordBuild(saving, { externalId }, deps);
}

/** The image turns active before the server's task state clears; only both together mean that it is done. */
async function isSaved(row: SnapshotImage, deps: BuildDeps, signal: AbortSignal): Promise<boolean> {
  const image = await deps.cloud.findImage(row.externalId ?? '', signal);
  if (image === undefined) throw new BuildError('The snapshot failed in the cloud: its image is gone');
  if (image.status === 'killed' || image.status === 'deleted' || image.status === 'deactivated') {
    throw new BuildError(`The snapshot failed in the cloud: its image is ${image.status}`);
  }
  if (image.status !== 'active') return false;
  const server = await deps.cloud.findServer(row.serverExternalId ?? '', signal);
  return server?.taskState === undefined;
}
