import { type Backoff, backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Randomness } from './randomness.ts';

/** When to try again what failed, by key, with growing waits. In memory only: after a restart everything is due at once. */
export class RetryTimes<Key> {
  readonly #backoff: Backoff;
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #waiting = new Map<Key, { readonly tries: number; readonly dueMs: number }>();

  constructor(backoff: Backoff, deps: { readonly clock: Clock; readonly randomness: Randomness }) {
    this.#backoff = backoff;
    this.#clock = deps.clock;
    this.#randomness = deps.randomness;
  }

  isDue(key: Key): boolean {
    return (this.#waiting.get(key)?.dueMs ?? 0) <= this.#clock.monotonicMs();
  }

  /** It failed once more. */
  postpone(key: Key): void {
    const tries = (this.#waiting.get(key)?.tries ?? 0) + 1;
    const dueMs = this.#clock.monotonicMs() + backoffMs(tries, this.#backoff, this.#randomness);
    this.#waiting.set(key, { tries, dueMs });
  }

  /** It is done, or nobody wants it any more. */
  forget(key: Key): void {
    this.#waiting.delete(key);
  }

  /** Milliseconds until the next one is due; undefined: none waits. */
  nextDueMs(): number | undefined {
    const waits = [...this.#waiting.values()].map(({ dueMs }) => dueMs - this.#clock.monotonicMs());
    return waits.length === 0 ? undefined : Math.max(0, Math.min(...waits));
  }
}
