import type { Randomness } from './randomness.ts';

export type Backoff = {
  readonly firstMs: number;
  readonly maxMs: number;
};

/** How long to wait before try `attempt` (1 = first retry): doubles up to `maxMs`, less up to a quarter by chance. */
export function backoffMs(attempt: number, backoff: Backoff, randomness: Randomness): number {
  const full = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full * (1 - randomness.fraction() / 4));
}
