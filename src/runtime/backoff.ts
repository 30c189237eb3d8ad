import type { Randomness } from './randomness.ts';

export type Backoff = {
  readonly firstMs: number;
  readonly maxMs: number;
};

/** How long to wait before try `attempt` (1 = first retry): doubles up to `maxMs`, less up to a quarter by chance. */
export function backoffMs(attempt: number, backoff: Backoff, randomness: Randomness): number {
  return Math.round(fullBackoffMs(attempt, backoff) * (1 - randomness.fraction() / 4));
}

/** The same without chance, where nobody else waits for the same peer. */
export function fullBackoffMs(attempt: number, { firstMs, maxMs }: Backoff): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30));
}
