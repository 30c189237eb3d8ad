import PQueue from 'p-queue';
import type { ProviderConfig } from '../../config/config.ts';
import type { ImageStore } from '../../image/image-store.ts';
import type { HistoryStore } from '../../node/history-store.ts';
import type { IdStore } from '../../node/id-store.ts';
import type { NodeMetrics } from '../../node/node-metrics.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Sightings } from '../reconcile-pass.ts';
import { type LeftOverDeps, reapAgents, reapKeypairs } from './left-over-names.ts';
import { namesOf } from './names-of.ts';
import { inspectProvider, type InspectDeps, type Inspection } from './inspect-provider.ts';
import { raiseIds } from './raise-ids.ts';
import { reapFloatingIps } from './reap-floating-ips.ts';
import { reapLeaks, type ReapLeaksDeps } from './reap-leaks.ts';
import { reapLimit } from './reap-limit.ts';

/** Each holds all rows for a while, and a large farm has 10,000; one cloud that is slow must not hold up the others. */
const CHECKS_AT_ONCE = 2;

export type LeakPassDeps = Omit<InspectDeps, 'cloud' | 'images'> &
  ReapLeaksDeps & {
    /** A leak is reaped when a second pass sees it too. */
    readonly sightings: Sightings;
    readonly history: Pick<HistoryStore, 'wasRemoved' | 'note'>;
    readonly images: Pick<ImageStore, 'find' | 'list'>;
    readonly ids: IdStore;
    readonly metrics: Pick<NodeMetrics, 'leaksSeen'>;
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
  deps.metrics.leaksSeen(provider.name, { servers: inspection.servers.length, ports: inspection.ports.length });
  await raiseIds(inspection.greatest, deps);
  if (inspection.portTrouble !== undefined) {
    deps.log.warn(`Cannot list the ports of ${provider.name}: ${describeError(inspection.portTrouble)}`);
  }
  const due = withoutTooMany(dueLeaks(inspection, seenBefore(provider, deps)), deps.log);
  if (due === undefined) return;
  await reapLeaks(due, deps, signal);
  const keypairs = [...deps.operatorKeypairs(provider.name)];
  await reapKeypairs(cloud, leftOverDeps(`keypair of ${provider.name}`, keypairs, deps), signal);
  const isDue = seenBefore(provider, deps);
  await reapFloatingIps(provider, { ...deps, cloud, isDue, rows: inspection.rows }, signal);
}

function dueLeaks(inspection: Inspection, isDue: (id: string) => boolean): Inspection {
  return {
    ...inspection,
    servers: inspection.servers.filter(({ server }) => isDue(server.id)),
    images: inspection.images.filter(({ image }) => isDue(image.id)),
    ports: inspection.ports.filter(({ port }) => isDue(port.id)),
  };
}

/** What may be deleted at once; undefined: nothing, for the database is not to be trusted. */
function withoutTooMany(due: Inspection, log: Logger): Inspection | undefined {
  const { provider, servers, images, ports, owned } = due;
  const count = servers.length + images.length;
  if (count > reapLimit(owned)) {
    log.error(
      `${provider} holds ${count} servers and images of ours that the database does not know, of ${owned} servers: ` +
        `too many to delete at once, so none is. Is this the right database? Rows dropped by "delete --force" count too. ` +
        `See them with "nodepool reap ${provider}"; if all of them may go, run "nodepool reap ${provider} --yes"`,
    );
    return undefined;
  }
  if (ports.length <= reapLimit(owned)) return due;
  log.error(
    `${provider} holds ${ports.length} ports that servers of ours left: too many to delete at once, so none is. ` +
      `See them with "nodepool reap ${provider}"`,
  );
  return { ...due, ports: [] };
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
function seenBefore(
  { name }: ProviderConfig,
  { sightings, clock }: LeakPassDeps,
): (id: string, leastAgeMs?: number) => boolean {
  return (id, leastAgeMs) => sightings.isSecond(`${name} ${id}`, clock.monotonicMs(), leastAgeMs);
}
