import type { ProviderStatus, ProviderStatusStore, Suspension } from '../provider/provider-status.ts';
import type { Clock } from '../runtime/clock.ts';

/** So old may be what is stored while nothing changes: `info` tells it. */
const FRESH_MS = 5 * 60_000;
/** Times of a pause are reckoned from two clocks, which drift apart a little. */
const SAME_TIME_MS = 2_000;

export type SaveStatusDeps = {
  readonly providerStatus: Pick<ProviderStatusStore, 'find' | 'save' | 'touch'>;
  readonly clock: Clock;
};

/**
 * Stores what is known of a provider where something else is stored. Each save wakes allocation, here and in other
 * daemons; what still holds is only said to hold, now and then.
 */
export async function saveStatus(status: Omit<ProviderStatus, 'changedAt'>, deps: SaveStatusDeps): Promise<void> {
  const stored = await deps.providerStatus.find(status.provider);
  if (stored === undefined || !isSame(stored, status)) await deps.providerStatus.save(status);
  else if (deps.clock.now().getTime() - stored.changedAt.getTime() >= FRESH_MS) {
    await deps.providerStatus.touch(status.provider);
  }
}

function isSame(one: Omit<ProviderStatus, 'changedAt'>, other: Omit<ProviderStatus, 'changedAt'>): boolean {
  return factsOf(one) === factsOf(other) && areSame(one.breakers, other.breakers) && areSame(one.pauses, other.pauses);
}

/** The database gives the keys of JSON back in an order of its own. */
function factsOf({ limits, sizes = {}, lastError }: Omit<ProviderStatus, 'changedAt'>): string {
  const bySize = sorted(sizes).map(([image, size]) => [image, sorted(size)]);
  return JSON.stringify([sorted(limits ?? {}), bySize, lastError ?? null]);
}

function sorted<T>(record: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

function areSame(some: readonly Suspension[], others: readonly Suspension[]): boolean {
  return (
    some.length === others.length &&
    some.every((one, index) => {
      const other = others[index];
      return other !== undefined && isSameSuspension(one, other);
    })
  );
}

function isSameSuspension(one: Suspension, other: Suspension): boolean {
  const isAt = (a: Date, b: Date): boolean => Math.abs(a.getTime() - b.getTime()) < SAME_TIME_MS;
  const isOfOne = one.what === other.what && one.failures === other.failures && one.reason === other.reason;
  return isOfOne && isAt(one.since, other.since) && isAt(one.until, other.until);
}
