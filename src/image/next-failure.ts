import { type Backoff, backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { BuildFailure } from './snapshot-image.ts';

/** What is stored of a failed build or upload: one more in a row, tried again after a wait that doubles. */
export function nextFailure(
  earlier: Pick<BuildFailure, 'failures'> | undefined,
  lastError: string,
  deps: { readonly clock: Clock; readonly randomness: Randomness; readonly backoff: Backoff },
): Omit<BuildFailure, 'provider' | 'image'> {
  const failures = (earlier?.failures ?? 0) + 1;
  const failedAt = deps.clock.now();
  const retryAt = new Date(failedAt.getTime() + backoffMs(failures, deps.backoff, deps.randomness));
  return { failures, lastError, failedAt, retryAt };
}
