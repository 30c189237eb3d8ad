import type { BuildFailure } from '../image/snapshot-image.ts';

type Failure = Pick<BuildFailure, 'failures' | 'lastError' | 'retryAt'>;

/** `failed twice in a row, tried again at 2026-01-01T00:00:00Z: No room`. */
export function describeFailure(failure: Failure, now: Date, remark = ''): string {
  return `failed ${times(failure)}, ${nextTry(failure, now)}${remark}: ${failure.lastError}`;
}

/** `once`, `3 times in a row`. */
export function times({ failures }: Pick<Failure, 'failures'>): string {
  return failures === 1 ? 'once' : `${failures} times in a row`;
}

export function nextTry({ retryAt }: Pick<Failure, 'retryAt'>, now: Date): string {
  return retryAt > now ? `tried again at ${retryAt.toISOString().slice(0, 19)}Z` : 'tried again now';
}
