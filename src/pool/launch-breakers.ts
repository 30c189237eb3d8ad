import { type Backoff, backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';

/** After so many failures in a row a breaker opens. */
const FAILURES_TO_OPEN = 3;
/** One launch each two minutes is no load, and a peer that is back is noticed soon. */
const PAUSE: Backoff = { firstMs: 15_000, maxMs: 120_000 };
const QUOTA_PAUSE_MS = 30_000;

/** `failures` in a row; `openings` without a success between them. */
type Breaker = {
  readonly failures: number;
  readonly openings: number;
  readonly openedMs: number;
  readonly openUntilMs: number;
  readonly reason: string;
  /** It waits for room, and nothing failed. */
  readonly isForRoom: boolean;
};

const CLOSED: Breaker = { failures: 0, openings: 0, openedMs: 0, openUntilMs: 0, reason: '', isForRoom: false };

/** What is paused, since when, until when and why: for `info` and the log. */
export type OpenBreaker = Pick<Breaker, 'reason' | 'failures' | 'isForRoom'> & {
  readonly key: string;
  readonly sinceMs: number;
  readonly remainingMs: number;
};

/**
 * Pauses launches that would fail again: one breaker per provider for a failing cloud, one per provider and image for
 * servers that it refuses, one per label and image for failing machines and scripts, since there the cloud is not to
 * blame; and one per provider and image for smoke tests. After a pause the next launch is the probe: its failure opens the breaker for longer, its success closes it.
 */
export class LaunchBreakers {
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #breakers = new Map<string, Breaker>();

  constructor(deps: { readonly clock: Clock; readonly randomness: Randomness }) {
    this.#clock = deps.clock;
    this.#randomness = deps.randomness;
  }

  /** Counts a failure; tells for how long launches pause from now on, 0 where this failure changes nothing. */
  failed(key: string, reason: string): number {
    const before = this.#get(key);
    if (this.isOpen(key)) return 0; // launched before it opened: the same trouble, told again
    const failures = before.failures + 1;
    const opens = failures >= FAILURES_TO_OPEN;
    const openings = before.openings + (opens ? 1 : 0);
    const pauseMs = opens ? backoffMs(openings, PAUSE, this.#randomness) : 0;
    const openedMs = this.#clock.monotonicMs();
    const openUntilMs = openedMs + pauseMs;
    this.#breakers.set(key, { failures, openings, openedMs, openUntilMs, reason, isForRoom: false });
    return pauseMs;
  }

  /** The provider said that there is no room: launches pause there at once, and it is nobody's failure. */
  noRoom(key: string, reason: string): void {
    const before = this.#get(key);
    const nowMs = this.#clock.monotonicMs();
    const openUntilMs = Math.max(before.openUntilMs, nowMs + QUOTA_PAUSE_MS);
    const openedMs = this.isOpen(key) ? before.openedMs : nowMs;
    this.#breakers.set(key, { ...before, openedMs, openUntilMs, reason, isForRoom: true });
  }

  /** A launch came through: what failed before no longer counts. A pause that is under way goes on to its end. */
  succeeded(key: string): void {
    if (this.isOpen(key)) this.#breakers.set(key, { ...this.#get(key), failures: 0, openings: 0 });
    else this.#breakers.delete(key);
  }

  /** Ends the pauses after failures: who mended the configuration wants to see whether that helps. The next launch is the probe. */
  endPauses(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, breaker] of this.#breakers) {
      const isPausing = breaker.openUntilMs > nowMs && !breaker.isForRoom;
      if (isPausing) this.#breakers.set(key, { ...breaker, openUntilMs: nowMs });
    }
  }

  isOpen(key: string): boolean {
    return this.#get(key).openUntilMs > this.#clock.monotonicMs();
  }

  /** A breaker that was open and lets one launch through to see. */
  isProbing(key: string): boolean {
    return this.#get(key).failures >= FAILURES_TO_OPEN && !this.isOpen(key);
  }

  listOpen(): readonly OpenBreaker[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#breakers]
      .filter(([, breaker]) => breaker.openUntilMs > nowMs)
      .map(([key, { openedMs, openUntilMs, reason, failures, isForRoom }]) => ({
        ...{ key, reason, failures, isForRoom },
        sinceMs: nowMs - openedMs,
        remainingMs: openUntilMs - nowMs,
      }));
  }

  #get(key: string): Breaker {
    return this.#breakers.get(key) ?? CLOSED;
  }
}

export function providerKey(provider: string): string {
  return `provider ${provider}`;
}

/** Servers of one image's size and flavor in one provider. */
export function imageKey(provider: string, image: string): string {
  return `image ${image} in provider ${provider}`;
}

/** Nodes of smoke tests: a new image that fails says nothing of its provider, and nothing of the image that serves. */
export function smokeKey(provider: string, image: string): string {
  return `smoke tests of image ${image} in provider ${provider}`;
}

export function labelKey(label: string, image: string): string {
  return `label ${label} with image ${image}`;
}
