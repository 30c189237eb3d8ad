import type { Clock } from '../../src/runtime/clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

/**
 * A clock on which pauses are over at once, so that retries run through. A pause is a sleep with the signal
 * `neverAborted`, which tests pass in; all other sleeps are deadlines, and these never end by themselves.
 */
export class SkippingClock implements Clock {
  /** The pauses, in order. */
  readonly slept: number[] = [];
  #nowMs = Date.parse('2026-01-01T00:00:00Z');

  now(): Date {
    return new Date(this.#nowMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (signal === neverAborted) {
      this.slept.push(ms);
      this.#nowMs += ms;
      return;
    }
    await new Promise((_, reject) => {
      signal?.addEventListener(
        'abort',
        () => {
          reject(signal.reason as Error);
        },
        { once: true },
      );
    });
  }
}
