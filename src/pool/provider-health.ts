import type { ProviderConfig } from '../config/config.ts';
import type { ProviderStatus, Suspension } from '../provider/provider-status.ts';
import type { Clock } from '../runtime/clock.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { imageKey, type LaunchBreakers, type OpenBreaker, providerKey } from './launch-breakers.ts';
import type { QuotaBook } from './quota-book.ts';

/** What this daemon knows of a provider's health: what pauses there, why and until when, its quota, or why that cannot be read. */
export function describeStatus(
  { name, images }: Pick<ProviderConfig, 'name' | 'images'>,
  deps: { readonly breakers: LaunchBreakers; readonly quotas: QuotaBook; readonly clock: Clock },
): Omit<ProviderStatus, 'changedAt'> {
  const whats = new Map([[providerKey(name), '']]);
  for (const image of images) whats.set(imageKey(name, image.name), `image ${image.name}`);
  const now = deps.clock.now();
  const open = deps.breakers.listOpen().flatMap((breaker) => {
    const what = whats.get(breaker.key);
    return what === undefined ? [] : [{ breaker, suspension: suspensionOf(breaker, what, now) }];
  });
  const isPause = ({ breaker }: (typeof open)[number]): boolean => breaker.isForRoom;
  const quota = deps.quotas.find(name);
  return definedOnly({
    provider: name,
    breakers: open.filter((each) => !isPause(each)).map(({ suspension }) => suspension),
    pauses: open.filter(isPause).map(({ suspension }) => suspension),
    limits: quota?.limits,
    sizes: quota?.sizes && Object.fromEntries(quota.sizes),
    lastError: deps.quotas.troubleOf(name),
  });
}

function suspensionOf({ reason, failures, remainingMs, sinceMs }: OpenBreaker, what: string, now: Date): Suspension {
  return {
    what,
    since: new Date(now.getTime() - sinceMs),
    until: new Date(now.getTime() + remainingMs),
    failures,
    reason,
  };
}
