import type { NodeState } from '../node/lifecycle.ts';
import type { NodeCount } from '../node/node-store.ts';
import type { ServerSize } from '../provider/cloud-provider.ts';
import { type Room, totalSize } from './provider-room.ts';

/** What allocation must know of a provider. */
export type AllocationProvider = {
  readonly name: string;
  /** Zero or less: drain, launch nothing. */
  readonly maxServers: number;
  /** How many servers the cloud's quota leaves us; absent: not known, or without limit. */
  readonly quota?: number;
  /** Most cores and memory that our servers may have together; absent: not known, or without limit. */
  readonly limits?: Partial<ServerSize>;
  /** What a server of each image takes here. An image for which there is no flavor is absent: its launches fail and say so. */
  readonly sizes?: ReadonlyMap<string, ServerSize>;
  /** Names of the images that have a `ready` row here. */
  readonly readyImages: ReadonlySet<string>;
};

/** What allocation must know of a target. */
export type AllocationTarget = {
  readonly name: string;
  /** Whether it takes new nodes and its nodes count as supply. */
  readonly online: boolean;
};

/** What allocation must know of a label. */
export type AllocationLabel = {
  readonly name: string;
  readonly image: string;
  /** Negative: the label is off. */
  readonly minReady: number;
  readonly subnodes: number;
  readonly providers: readonly string[];
};

/** A provider that holds more servers than it may. */
export type OverAllocation = { readonly provider: string; readonly maxServers: number; readonly counted: number };

/** Nodes in these states run jobs, or will. */
const SUPPLY_STATES: ReadonlySet<NodeState> = new Set<NodeState>(['ready', 'building', 'used', 'test']);

/** Servers in each provider: every row counts, whatever its state, label and target; so does every subnode row. */
export function countServers(nodes: readonly NodeCount[]): Map<string, number> {
  const servers = new Map<string, number>();
  for (const { provider, count, subnodes } of nodes) add(servers, provider, count + subnodes);
  return servers;
}

/** Nodes of each label that run its jobs or will, on online targets. Subnodes do not count. */
export function countSupply(nodes: readonly NodeCount[], onlineTargets: ReadonlySet<string>): Map<string, number> {
  const supply = new Map<string, number>();
  for (const { label, target, state, count } of nodes) {
    if (SUPPLY_STATES.has(state) && onlineTargets.has(target)) add(supply, label, count);
  }
  return supply;
}

/** Nodes of each label on each target, in any state: label → target → nodes. */
export function countByTarget(nodes: readonly NodeCount[]): Map<string, Map<string, number>> {
  const byLabel = new Map<string, Map<string, number>>();
  for (const { label, target, count } of nodes) {
    const byTarget = byLabel.get(label) ?? new Map<string, number>();
    add(byTarget, target, count);
    byLabel.set(label, byTarget);
  }
  return byLabel;
}

/** Free slots of a provider; none in one that drains. */
export function availableSlots(provider: Pick<AllocationProvider, 'maxServers' | 'quota'>, servers: number): number {
  return Math.max(0, Math.min(provider.maxServers, provider.quota ?? Infinity) - servers);
}

/**
 * What is free in the provider: slots, and what its limits of cores and memory leave beside the servers that are there.
 * @param farm its nodes, those of other providers too
 */
export function roomIn(
  provider: AllocationProvider,
  farm: { readonly nodes: readonly NodeCount[]; readonly labels: readonly AllocationLabel[] },
): Room {
  const { name, limits, sizes = new Map<string, ServerSize>() } = provider;
  const own = farm.nodes.filter((group) => group.provider === name);
  const slots = availableSlots(provider, countServers(own).get(name) ?? 0);
  if (limits === undefined) return { slots, cores: Infinity, ramMib: Infinity };
  const imageOf = (label: string): string | undefined => farm.labels.find((each) => each.name === label)?.image;
  const groups = own.map(({ label, count, subnodes }) => ({ image: imageOf(label), count: count + subnodes }));
  const used = totalSize(groups, sizes);
  return {
    slots,
    cores: (limits.cores ?? Infinity) - used.cores,
    ramMib: (limits.ramMib ?? Infinity) - used.ramMib,
  };
}

/** Providers with more servers than they may have: no harm to the others, but worth a warning. */
export function findOverAllocations(
  providers: readonly AllocationProvider[],
  servers: ReadonlyMap<string, number>,
): OverAllocation[] {
  return providers
    .map(({ name, maxServers }) => ({ provider: name, maxServers, counted: servers.get(name) ?? 0 }))
    .filter(({ maxServers, counted }) => counted > Math.max(0, maxServers));
}

/**
 * How many nodes a label lacks (upstream: getNeededNodes). Min-ready is all or nothing: it is left out where the free
 * slots do not hold all of it, so that waiting jobs of other labels come first. A label that is off lacks none.
 *
 * @param label `capacity`: free slots of all its providers, those without its image too
 */
export function deficitOf(label: {
  readonly demand: number;
  readonly minReady: number;
  readonly supply: number;
  readonly capacity: number;
}): number {
  const { demand, minReady, supply, capacity } = label;
  if (minReady < 0) return 0; // upstream lets a negative number lower the demand
  const extra = Math.max(0, demand + minReady - supply);
  return extra <= capacity ? extra : Math.max(0, demand - supply);
}

/**
 * The counts with those subnodes of `building` nodes that have no row yet: they will take slots, and without them a
 * provider looks emptier than it is for the first moments of a launch (upstream counts rows only).
 */
export function withPendingSubnodes(nodes: readonly NodeCount[], labels: readonly AllocationLabel[]): NodeCount[] {
  const wanted = new Map(labels.map((label) => [label.name, label.subnodes]));
  return nodes.map((group) => {
    if (group.state !== 'building') return group;
    return { ...group, subnodes: Math.max(group.subnodes, group.count * (wanted.get(group.label) ?? 0)) };
  });
}

function add(sums: Map<string, number>, key: string, n: number): void {
  sums.set(key, (sums.get(key) ?? 0) + n);
}
