import PQueue from 'p-queue';
import type { ProviderConfig } from '../../config/config.ts';
import type { HistoryStore } from '../../node/history-store.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Sightings } from '../reconcile-pass.ts';
import { type LeftOverDeps, reapAgents, reapKeypairs } from './left-over-names.ts';
import { namesOf } from './names-of.ts';
import { inspectProvider, type InspectDeps } from './inspect-provider.ts';
import { reapLeaks, type ReapLeaksDeps } from './reap-leaks.ts';
import { reapLimit } from './reap-limit.ts';

/** Each holds all rows for a while, and a large farm has 10,000; one cloud that is slow must not hold up the others. */
const CHECKS_AT_ONCE = 2;

export type LeakPassDeps = Omit<InspectDeps, 'cloud'> &
  ReapLeaksDeps & {
    /** A leak is reaped when a second pass sees it too. */
    readonly sightings: Sightings;
    readonly history: Pick<HistoryStore, 'wasRemoved'>;
    /** Told of every provider that was looked at (statsd: leaked.instances). */
    readonly onInspected?: (provider: string, leakedServers: number) => void;
  };

/** Deletes what is ours in the clouds and in Jenkins and has no row (upstream: cleanupLeakedInstances). See `reapLimit`. */
export async function runLeakPass(deps: LeakPassDeps, signal: AbortSignal): Promise<void> {
  const farm = deps.farm();
  const fixed = { ...deps, farm: () => farm };
  const look = async (where: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      deps.log.warn(`Cannot look for leaks in ${where}: ${describeError(error)}`);
    }
  };
  const checks = [
    ...farm.config.providers.map((provider) => () => {
      return look(provider.name, () => checkProvider(provider, fixed, signal));
    }),
    ...farm.config.targets.map(({ name }) => () => {
      return look(`jenkins of ${name}`, () => checkTarget(name, fixed, signal));
    }),
  ];
  await new PQueue({ concurrency: CHECKS_AT_ONCE }).addAll(checks);
  deps.sightings.endPass();
}

async function checkTarget(target: string, deps: LeakPassDeps, signal: AbortSignal): Promise<void> {
  const agents = deps.farm().agentsOf(target);
  if (agents !== undefined) await reapAgents(agents, leftOverDeps(`agent of ${target}`, [], deps), signal);
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
  const keypairs = [...deps.operatorKeypairs(provider.name)];
  await reapKeypairs(cloud, leftOverDeps(`keypair of ${provider.name}`, keypairs, deps), signal);
}

function leftOverDeps(kind: string, keep: readonly string[], deps: LeakPassDeps): LeftOverDeps {
  const { history, log, clock, sightings, nodes, images } = deps;
  return {
    ...{ history, log },
    isDue: (name) => sightings.isSecond(`${kind} ${name}`, clock.monotonicMs()),
    namesInUse: async () => new Set([...keep, ...namesOf(...(await Promise.all([nodes.list(), images.list()])))]),
  };
}

/** Notes a sighting of each; tells whether the pass before saw it too. */
function seenBefore({ name }: ProviderConfig, { sightings, clock }: LeakPassDeps): (id: string) => boolean {
  return (id) => sightings.isSecond(`${name} ${id}`, clock.monotonicMs());
}
