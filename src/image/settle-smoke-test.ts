import type { NodeMetrics } from '../node/node-metrics.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { applyWhileBuilding } from './apply-while-building.ts';
import type { ImageStore } from './image-store.ts';
import { failureOfImage, type ImageFailures } from './image-failures.ts';
import { judgeSmokeTest, type SmokeRules, type WaitingImage } from './smoke-test.ts';
import { type SnapshotImage, type SnapshotImageFacts, SMOKE_TEST } from './snapshot-image.ts';
import { storeImageFailure } from './store-image-failure.ts';

const WHO = 'smoke-test';

export type SmokeTestDeps = {
  readonly images: ImageStore;
  readonly metrics: Pick<NodeMetrics, 'imageUpdated'>;
  readonly imageFailures: ImageFailures;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
};

/**
 * Has an image that is whole in the cloud wait for its smoke test: the next allocation pass grants it a node. May be repeated.
 * @param facts what is stored with it
 * Undefined: the image was deleted meanwhile.
 */
export async function beginSmokeTest(
  { id, provider, image }: SnapshotImage,
  facts: Pick<SnapshotImageFacts, 'externalId'>,
  { images, clock, log }: Pick<SmokeTestDeps, 'images' | 'clock' | 'log'>,
): Promise<SnapshotImage | undefined> {
  const row = await images.record(id, { ...facts, step: SMOKE_TEST, stepStartedAt: clock.now() });
  if (row?.state !== 'building') return undefined;
  log.info(`Image ${image} in ${provider} waits for its smoke test`, { image: id });
  return row;
}

/** Makes an image ready whose smoke test passed, and gives up one whose test failed. Does nothing while the test goes on. */
export async function settleSmokeTest(row: WaitingImage, rules: SmokeRules, deps: SmokeTestDeps): Promise<void> {
  const verdict = judgeSmokeTest(row, rules, deps.clock.now());
  if (verdict?.end === 'passed') await promote(row, verdict.why, deps);
  else if (verdict?.end === 'failed') await giveUp(row, verdict.why, deps);
}

async function promote(row: WaitingImage, why: string, deps: SmokeTestDeps): Promise<void> {
  const { provider, image, hostname } = row;
  // Its own launches are counted anew: a smoke test has the script of one label only.
  const facts = { failedLaunches: null, launchedAt: null };
  const ready = await applyWhileBuilding(row, { event: 'built', cause: { who: WHO, why }, facts }, deps.images);
  if (ready === undefined) return;
  await deps.images.clearFailure(provider, image);
  const ms = deps.clock.now().getTime() - row.stateChangedAt.getTime();
  deps.metrics.imageUpdated({ provider, image, ms });
  deps.log.info(`Image ${hostname ?? row.id} in ${provider} is ready`, { image });
}

async function giveUp(row: WaitingImage, why: string, deps: SmokeTestDeps): Promise<void> {
  const { provider, image } = row;
  const failures = await storeImageFailure(row, why, deps);
  const change = { event: 'failed', cause: { who: WHO, why }, facts: { lastError: why } } as const;
  if ((await applyWhileBuilding(row, change, deps.images)) === undefined) return;
  deps.log.error(`Image ${image} in ${provider} is not used: ${why}`, { image: row.id });
  deps.imageFailures.tell(failureOfImage(row, { reason: why, failures }));
}
