import type { ProviderConfig } from '../../config/config.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Sightings } from '../reconcile-pass.ts';
import { inspectProvider, type InspectDeps } from './inspect-provider.ts';
import { reapLeaks, type ReapLeaksDeps } from './reap-leaks.ts';
import { reapLimit } from './reap-limit.ts';

export type LeakPassDeps = Omit<InspectDeps, 'cloud'> &
  ReapLeaksDeps & {
    /** A leak is reaped when a second pass sees it too. */
    readonly sightings: Sightings;
    /** Told of every provider that was looked at (statsd: leaked.instances). */
    readonly onInspected?: (provider: string, leakedServers: number) => void;
  };

/** Deletes what bears our marks in the clouds and has no row (upstream: cleanupLeakedInstances). Bounded; see `reapLimit`. */
export async function runLeakPass(deps: LeakPassDeps, signal: AbortSignal): Promise<void> {
  const farm = deps.farm();
  await Promise.all(
    farm.config.providers.map(async (provider) => {
      try {
        await checkProvider(provider, { ...deps, farm: () => farm }, signal);
      } catch (error) {
        signal.throwIfAborted();
        deps.log.warn(`Cannot look for leaks in ${provider.name}: ${describeError(error)}`);
      }
    }),
  );
  deps.sightings.endPass();
}

async function checkProvider(provider: ProviderConfig, deps: LeakPassDeps, signal: AbortSignal): Promise<void> {
  const cloud = deps.farm().cloudOf(provider.name);
  if (cloud === undefined) return;
  const inspection = await inspectProvider(provider, { ...deps, cloud }, signal);
  const { servers, images, owned } = inspection;
  deps.onInspected?.(provider.name, servers.length);
  const isDue = seenBefore(provider, deps);
  const due = {
    ...inspection,
    servers: servers.filter(({ server }) => isDue(server.id)),
    images: images.filter(({ image }) => isDue(image.id)),
  };
  const count = due.servers.length + due.images.length;
  if (count > reapLimit(owned)) {
    deps.log.error(
      `${provider.name} holds ${count} servers and images of ours that the database does not know, of ${owned} servers: ` +
        `too many to delete at once, so none is. Is this the right database? ` +
        `See them with "nodepool alien-list ${provider.name}"; if all of them may go, run "nodepool reap ${provider.name}"`,
    );
    return;
  }
  await reapLeaks(due, deps, signal);
}

/** Notes a sighting of each; tells whether the pass before saw it too. */
function seenBefore({ name }: ProviderConfig, { sightings, clock }: LeakPassDeps): (id: string) => boolean {
  return (id) => sightings.isSecond(`${name} ${id}`, clock.monotonicMs());
}
