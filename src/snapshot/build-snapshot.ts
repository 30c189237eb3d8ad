import { type Backoff, backoffMs } from '../runtime/backoff.ts';
import { describeError } from '../runtime/errors.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import { bootBuildServer } from './boot-build-server.ts';
import { type Build, type BuildDeps, BuildEndedError, BuildError } from './build.ts';
import { removeBuildServer } from './remove-build-server.ts';
import { saveImage } from './save-image.ts';
import { setUpMachine } from './set-up-machine.ts';

const RETRY: Backoff = { firstMs: 30_000, maxMs: 3_600_000 };

/**
 * Takes a `building` image to `ready`. A build that an earlier process left is resumed if the snapshot was under way,
 * else it fails: setup scripts are not idempotent.
 * @throws {BuildError} the image is in state `delete`, its failure stored
 * @throws the signal's reason when aborted; the row is then left as it is
 */
export async function buildSnapshot(build: Build, deps: BuildDeps, signal: AbortSignal): Promise<void> {
  const startedMs = deps.clock.monotonicMs();
  const { provider, image } = build;
  try {
    const saved = await buildOrResume(build, deps, signal);
    const cause = { who: 'image-builder', why: 'The snapshot is active in the cloud' };
    const ready = await deps.images.apply(saved, 'built', cause);
    if (ready === undefined) throw new BuildEndedError(`Image ${saved.id} was deleted while it was being saved`);
    await deps.images.clearFailure(provider.name, image.name);
    const ms = deps.clock.monotonicMs() - startedMs;
    deps.metrics.imageUpdated({ provider: provider.name, image: image.name, ms });
    deps.log.info(`Image ${ready.hostname ?? ready.id} in ${provider.name} is ready`, { image: image.name });
    await removeBuildServer(ready, deps, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BuildEndedError) {
      deps.log.info(error.message);
      return;
    }
    throw await giveUp(build, error, deps);
  }
}

async function buildOrResume(build: Build, deps: BuildDeps, signal: AbortSignal): Promise<SnapshotImage> {
  const { row } = build;
  if (row.step === 'save' && row.externalId !== undefined) return await saveImage(build, deps, signal);
  if (row.step !== undefined) throw new BuildError('The daemon stopped while this image was being built');
  const booted = await bootBuildServer(build, deps, signal);
  const prepared = await setUpMachine({ ...build, ...booted }, deps, signal);
  return await saveImage({ ...build, row: prepared }, deps, signal);
}

async function giveUp(build: Build, error: unknown, deps: BuildDeps): Promise<BuildError> {
  const { row, provider, image } = build;
  const why = describeError(error);
  const failure = new BuildError(`Cannot build image ${image.name} in ${provider.name}: ${why}`, { cause: error });
  await storeFailure(build, why, deps);
  for (let current = await deps.images.find(row.id); current?.state === 'building';) {
    const cause = { who: 'image-builder', why };
    if ((await deps.images.apply(current, 'failed', cause, { lastError: why })) !== undefined) break;
    current = await deps.images.find(row.id);
  }
  return failure;
}

async function storeFailure({ provider, image }: Build, lastError: string, deps: BuildDeps): Promise<void> {
  const all = await deps.images.listFailures();
  const earlier = all.find((failure) => failure.provider === provider.name && failure.image === image.name);
  const failures = (earlier?.failures ?? 0) + 1;
  const failedAt = deps.clock.now();
  const retryAt = new Date(failedAt.getTime() + backoffMs(failures, RETRY, deps.randomness));
  await deps.images.saveFailure({ provider: provider.name, image: image.name, failures, lastError, failedAt, retryAt });
}
