import { type SnapshotImage, SMOKE_TEST } from './snapshot-image.ts';

const HOUR_MS = 3_600_000;
/** As long as a launch may take: so many hours without an end are one. */
const SMOKE_HOURS = 8;

/** An image in the cloud that is not ready before a node was launched from it. */
export type WaitingImage = SnapshotImage & { readonly externalId: string };

/** Whether the image is in the cloud and waits for the end of its smoke test. */
export function waitsForSmokeTest(row: SnapshotImage): row is WaitingImage {
  return row.state === 'building' && row.step === SMOKE_TEST && row.externalId !== undefined;
}

/** Whether a node is still to be launched from it: none came through yet. */
export function needsSmokeNode(row: SnapshotImage): row is WaitingImage {
  return waitsForSmokeTest(row) && row.launchedAt === undefined;
}

/** What is asked of a new image in its provider. */
export type SmokeRules = {
  readonly smokeTest: boolean;
  /** Of the provider: so many failed launches are enough. */
  readonly launchRetries: number;
};

export type SmokeVerdict = { readonly end: 'passed' | 'failed'; readonly why: string };

/** How the smoke test of an image that waits for it ended; undefined: it goes on. */
export function judgeSmokeTest(image: WaitingImage, rules: SmokeRules, now: Date): SmokeVerdict | undefined {
  if (!rules.smokeTest) return { end: 'passed', why: 'It is in the cloud, and no smoke test is asked for any more' };
  if (image.launchedAt !== undefined) {
    return { end: 'passed', why: 'Its smoke test passed: a node was launched from it' };
  }
  const why = whyFailed(image, Math.max(1, rules.launchRetries), now);
  return why === undefined ? undefined : { end: 'failed', why };
}

function whyFailed(
  { failedLaunches = 0, lastError = 'no reason', stepStartedAt, stateChangedAt }: WaitingImage,
  most: number,
  now: Date,
): string | undefined {
  if (failedLaunches >= most) return `Its smoke test failed ${most === 1 ? 'once' : `${most} times`}: ${lastError}`;
  const sinceMs = now.getTime() - (stepStartedAt ?? stateChangedAt).getTime();
  if (sinceMs <= SMOKE_HOURS * HOUR_MS) return undefined;
  const reason = failedLaunches > 0 ? lastError : 'no node could be launched from it';
  return `Its smoke test did not end within ${SMOKE_HOURS} h: ${reason}`;
}
