import type { Clock } from '../../src/runtime/clock.ts';

/** A clock on which short sleeps are over at once, so that retries run through; sleeps from `longMs` on (deadlines) stay. */
export class SkippingClock implements Clock {
  /** The short sleeps, in order. */
  readonly slept: number[] = [];
  readonly #longMs: number;
  #nowMs = Date.parse('2026-01-01T00:00:00Z');

  constructor(longMs = 20_000) {
    this.#longMs = longMs;
  }

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
    if (ms >= this.#longMs) {
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
    this.slept.push(ms);
    this.#nowMs += ms;
  }
}
