import type { Clock } from '../../src/runtime/clock.ts';

/**
 * A clock whose short sleeps pass at once, moving time on by their length: for code that polls. Sleeps of `deadlineMs`
 * or more never end by themselves.
 */
export class HastyClock implements Clock {
  /** The lengths of all short sleeps. */
  readonly slept: number[] = [];
  readonly #deadlineMs: number;
  #nowMs = Date.UTC(2026, 0, 1);

  constructor(deadlineMs = 30_000) {
    this.#deadlineMs = deadlineMs;
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (ms >= this.#deadlineMs) return await untilAborted(signal);
    this.slept.push(ms);
    this.#nowMs += ms;
    await Promise.resolve();
  }
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}
