import { newVersion } from '../image/image-rules.ts';
import { beginSmokeTest } from '../image/settle-smoke-test.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import { describeError } from '../runtime/errors.ts';
import { bootBuildServer } from './boot-build-server.ts';
import { type Build, type BuildDeps, BuildEndedError, BuildError, BuildInterruptedError } from './build.ts';
import { removeBuildServer } from './remove-build-server.ts';
import { saveImage } from './save-image.ts';
import { setUpMachine } from './set-up-machine.ts';
import { SetupOutput } from './setup-output.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import { failureOfImage } from '../image/image-failures.ts';
import { storeImageFailure } from '../image/store-image-failure.ts';

const WHO = 'image-builder';

/**
 * Takes a `building` image to `ready`, or to its smoke test where the section asks for one. A build that an earlier process left is resumed where its setup was done, else it
 * begins anew with another row at once: setup scripts are not idempotent, and a restart is no fault of the image.
 * @throws {BuildError} the image is in state `delete`, its failure stored
 * @throws the signal's reason when aborted; the row is then left as it is
 */
export async function buildSnapshot(build: Build, deps: BuildDeps, signal: AbortSignal): Promise<void> {
  const startedMs = deps.clock.monotonicMs();
  const { provider, image } = build;
  try {
    const saved = await buildOrResume(build, deps, signal);
    if (image.smokeTest) {
      await holdBack(saved, deps, signal);
      return;
    }
    const ready = await applyWhileBuilding(saved, 'built', 'The snapshot is active in the cloud', deps);
    if (ready === undefined) throw new BuildEndedError(`Image ${saved.id} was deleted while it was being saved`);
    crashPoint('image-ready');
    await deps.images.clearFailure(provider.name, image.name);
    const ms = deps.clock.monotonicMs() - startedMs;
    deps.metrics.imageUpdated({ provider: provider.name, image: image.name, ms });
    deps.log.info(`Image ${ready.hostname ?? ready.id} in ${provider.name} is ready`, { image: image.name });
    await tidyUp(ready, deps, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BuildEndedError) deps.log.info(error.message);
    else if (error instanceof BuildInterruptedError) await beginAgain(build, error.message, deps);
    else throw await giveUp(build, error, deps);
  }
}

/** From here on passes go on: the image is as good as ready. */
async function holdBack(saved: SnapshotImage, deps: BuildDeps, signal: AbortSignal): Promise<void> {
  const waiting = await beginSmokeTest(saved, {}, deps);
  if (waiting === undefined) throw new BuildEndedError(`Image ${saved.id} was deleted while it was being saved`);
  await tidyUp(waiting, deps, signal);
}

async function buildOrResume(build: Build, deps: BuildDeps, signal: AbortSignal): Promise<SnapshotImage> {
  const { step } = build.row;
  if (step === 'save') return await saveImage(build, deps, signal);
  if (step !== undefined) throw new BuildInterruptedError('The daemon stopped while this image was being built');
  await using output = await SetupOutput.open(build, deps);
  const booted = await bootBuildServer(build, deps, signal);
  const prepared = await setUpMachine({ ...build, ...booted, output }, deps, signal);
  return await saveImage({ ...build, row: prepared }, deps, signal);
}

/** The image is good already: what goes wrong from here on is no failed build, and the next pass tries again. */
async function tidyUp(ready: SnapshotImage, deps: BuildDeps, signal: AbortSignal): Promise<void> {
  try {
    await removeBuildServer(ready, deps, signal);
  } catch (error) {
    signal.throwIfAborted();
    deps.log.warn(`Build server of image id: ${ready.id} is removed later`, { error });
  }
}

async function beginAgain({ row, provider, image }: Build, why: string, deps: BuildDeps): Promise<void> {
  const ended = await applyWhileBuilding(row, 'failed', why, deps);
  if (ended === undefined) return; // deleted meanwhile: nobody wants it built again
  crashPoint('build-failure-stored');
  const version = newVersion(row, await deps.images.list(), deps.clock.now());
  const next = { provider: provider.name, image: image.name, version };
  await deps.images.insert(next, { who: WHO, why: `Build ${row.id} was interrupted` });
  deps.log.info(`Image ${image.name} in ${provider.name} is built again: ${why}`, { interrupted: row.id });
}

async function giveUp({ row, provider, image }: Build, error: unknown, deps: BuildDeps): Promise<BuildError> {
  const why = describeError(error);
  const failures = await storeImageFailure(row, why, deps);
  const ended = await applyWhileBuilding(row, 'failed', why, deps);
  if (ended !== undefined) deps.imageFailures.tell(failureOfImage(row, { reason: why, failures }));
  return new BuildError(`Cannot build image ${image.name} in ${provider.name}: ${why}`, { cause: error });
}

/** Applies the event to the row as it is now; undefined: it is not being built any more. */
// eslint-disable-next-line max-params -- what, to what, why and with what
async function applyWhileBuilding(
  { id }: SnapshotImage,
  event: 'built' | 'failed',
  why: string,
  { images }: BuildDeps,
): Promise<SnapshotImage | undefined> {
  const facts = event === 'failed' ? { lastError: why } : {};
  for (let row = await images.find(id); row?.state === 'building'; row = await images.find(id)) {
    const changed = await images.apply(row, event, { who: WHO, why }, facts);
    if (changed !== undefined) return changed;
  }
  return undefined;
}
