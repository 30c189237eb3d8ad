import { type Backoff, backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';

/** After so many failures in a row a breaker opens. */
const FAILURES_TO_OPEN = 3;
const PAUSE: Backoff = { firstMs: 15_000, maxMs: 600_000 };
const QUOTA_PAUSE_MS = 30_000;

type Breaker = { failures: number; closedAtMs: number; reason: string };

/** What is paused, until when and why: for `info` and the log. */
export type OpenBreaker = { readonly key: string; readonly reason: string; readonly remainingMs: number };

/**
 * Pauses launches that would fail again: one breaker per provider for a failing cloud, one per label and image for
 * failing machines and scripts, since there the cloud is not to blame. After a pause the next launch is the probe: its
 * failure opens the breaker for longer, its success closes it.
 */
export class LaunchBreakers {
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #breakers = new Map<string, Breaker>();

  constructor(deps: { readonly clock: Clock; readonly randomness: Randomness }) {
    this.#clock = deps.clock;
    this.#randomness = deps.randomness;
  }

  /** Counts a failure; tells for how long launches pause now, 0 for not at all. */
  failed(key: string, reason: string): number {
    const failures = (this.#breakers.get(key)?.failures ?? 0) + 1;
    const beyond = failures - FAILURES_TO_OPEN + 1;
    const pauseMs = beyond > 0 ? backoffMs(beyond, PAUSE, this.#randomness) : 0;
    this.#breakers.set(key, { failures, reason, closedAtMs: this.#clock.monotonicMs() + pauseMs });
    return pauseMs;
  }

  /** The provider said that there is no room: launches pause there at once, and it is nobody's failure. */
  noRoom(key: string, reason: string): void {
    const failures = this.#breakers.get(key)?.failures ?? 0;
    this.#breakers.set(key, { failures, reason, closedAtMs: this.#clock.monotonicMs() + QUOTA_PAUSE_MS });
  }

  succeeded(key: string): void {
    this.#breakers.delete(key);
  }

  isOpen(key: string): boolean {
    return (this.#breakers.get(key)?.closedAtMs ?? 0) > this.#clock.monotonicMs();
  }

  /** A breaker that was open and lets one launch through to see. */
  isProbing(key: string): boolean {
    const breaker = this.#breakers.get(key);
    return breaker !== undefined && breaker.failures >= FAILURES_TO_OPEN && !this.isOpen(key);
  }

  listOpen(): readonly OpenBreaker[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#breakers]
      .filter(([, breaker]) => breaker.closedAtMs > nowMs)
      .map(([key, { reason, closedAtMs }]) => ({ key, reason, remainingMs: closedAtMs - nowMs }));
  }
}

export function providerKey(provider: string): string {
  return `provider ${provider}`;
}

export function labelKey(label: string, image: string): string {
  return `label ${label} with image ${image}`;
}
