import { allocate, type AllocationInput, type AllocationResult } from '../allocation/allocate.ts';
import type { AllocationRound } from '../allocation/allocation-history.ts';
import type { Demand } from '../allocation/demand-from-status.ts';
import { describeLabel } from '../allocation/label-explanation.ts';
import { type AllocationProvider, countSupply, withPendingSubnodes } from '../allocation/supply-and-deficit.ts';
import type { LabelConfig, ProviderConfig } from '../config/config.ts';
import type { NodeCount, NodeStore } from '../node/node-store.ts';
import type { NewNode } from '../node/node.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Farm } from './farm.ts';
import type { SmokeTestFarm } from './grant-smoke-tests.ts';
import type { LaunchBreakers } from './launch-breakers.ts';
import type { QuotaBook } from './quota-book.ts';
import { launchableImages, launchableLabel, limitToProbes } from './launch-pauses.ts';
import { nodeLimits } from './node-limits.ts';
import { replacements } from './superseded-nodes.ts';

export type AllocationState = {
  readonly nodes: readonly NodeCount[];
  /** Provider → names of the images that are ready there. */
  readonly readyImages: ReadonlyMap<string, ReadonlySet<string>>;
};

export type AllocationDeps = {
  readonly farm: () => Farm;
  readonly nodes: Pick<NodeStore, 'insert'>;
  readonly readState: () => Promise<AllocationState>;
  /** Queued and running jobs by label, as fresh as the finished jobs ask for. */
  readonly demand: (signal: AbortSignal) => Promise<Demand>;
  readonly isOnline: (target: string) => boolean;
  readonly breakers: LaunchBreakers;
  /** Absent: only `max-servers` bounds. */
  readonly quotas?: Pick<QuotaBook, 'mostNodes' | 'mostSize' | 'find'>;
  readonly history: () => readonly AllocationRound[];
  /** Rises with each pass, from 0. */
  readonly turn: () => number;
  readonly saveRound: (round: AllocationRound) => Promise<void>;
  readonly log: Logger;
  /** Inserts nodes of smoke tests first, and gives the counts with them. Absent: there are none. */
  readonly grantSmokeTests?: (farm: SmokeTestFarm) => Promise<readonly NodeCount[]>;
  /** Ready nodes of older images, by label. Absent: none is replaced. */
  readonly countSuperseded?: (labels: readonly LabelConfig[]) => Promise<ReadonlyMap<string, number>>;
};

/** Compares demand with what there is and inserts a `building` row for each node to launch. */
export async function runAllocationPass(deps: AllocationDeps, signal: AbortSignal): Promise<AllocationResult> {
  const { config } = deps.farm();
  // In this order: a job that ends in between is served by no node more than it needed. The other way round it would still be
  // in demand while its node is gone already.
  const state = await deps.readState();
  const demand = await deps.demand(signal);
  const bounded = config.providers.map((provider) => boundedProvider(provider, state, deps));
  const counts = apartFromLabels(state.nodes);
  const nodes = (await deps.grantSmokeTests?.({ config, providers: bounded, nodes: counts })) ?? counts;
  const superseded = (await deps.countSuperseded?.(config.labels)) ?? NONE;
  const targets = config.targets.map(({ name }) => ({ name, online: deps.isOnline(name) }));
  const labels = withReplacements(inTurn(config.labels, deps.turn()), { superseded, demand, nodes, targets });
  const pauses = { labels, nodes, breakers: deps.breakers };
  const result = allocate({
    providers: bounded.map((provider) => {
      return { ...provider, readyImages: launchableImages(provider.name, provider.readyImages, pauses) };
    }),
    targets,
    labels: labels.map((label) => launchableLabel(label, pauses)),
    nodes: withPendingSubnodes(nodes, labels),
    demand,
    history: deps.history(),
  });
  const limited = { ...result, grants: limitToProbes(result.grants, pauses) };
  await insertGranted(limited, deps);
  await deps.saveRound(result.round);
  return limited;
}

function boundedProvider(
  provider: ProviderConfig,
  { readyImages: ready }: AllocationState,
  deps: AllocationDeps,
): AllocationProvider {
  const { name, maxServers } = provider;
  return definedOnly({
    name,
    maxServers,
    ...roomOf(provider, deps),
    readyImages: ready.get(name) ?? new Set<string>(),
  });
}

const NONE: ReadonlyMap<string, number> = new Map();

/** Nodes of smoke tests take slots, and serve no label: under none of the configuration. */
function apartFromLabels(nodes: readonly NodeCount[]): readonly NodeCount[] {
  return nodes.map((group) => (group.isSmokeTest === true ? { ...group, label: '' } : group));
}

type Numbers = Pick<AllocationInput, 'demand' | 'nodes' | 'targets'> & {
  /** By label. */
  readonly superseded: ReadonlyMap<string, number>;
};

/** The labels, with more than their min-ready where nodes of an older image are to be replaced. */
function withReplacements(
  labels: readonly LabelConfig[],
  { superseded, demand, nodes, targets }: Numbers,
): readonly LabelConfig[] {
  if (superseded.size === 0) return labels;
  const supply = countSupply(nodes, new Set(targets.filter(({ online }) => online).map(({ name }) => name)));
  return labels.map((label) => {
    const of = (numbers: ReadonlyMap<string, number>): number => numbers.get(label.name) ?? 0;
    const more = replacements(label, { demand: of(demand), supply: of(supply), superseded: of(superseded) });
    return more === 0 ? label : { ...label, minReady: label.minReady + more };
  });
}

/** What bounds the provider's nodes beside `max-servers`. */
function roomOf(
  provider: ProviderConfig,
  { quotas }: Pick<AllocationDeps, 'quotas'>,
): Pick<AllocationProvider, 'quota' | 'limits' | 'sizes'> {
  const sizes = quotas?.find(provider.name)?.sizes;
  const isMeasured = provider.maxCores !== undefined || provider.maxRamMib !== undefined;
  if (isMeasured && sizes === undefined) return { quota: 0 }; // until the flavors are read, within seconds of the start
  return definedOnly({ quota: quotas?.mostNodes(provider.name), limits: nodeLimits(provider, quotas), sizes });
}

/**
 * Another label first in each pass. Where few slots are free, rounding gives them to the last ones of many labels, and our
 * passes come so fast that none counts as having waited: those at the top would wait for long.
 */
function inTurn<T>(items: readonly T[], turn: number): readonly T[] {
  const first = items.length === 0 ? 0 : turn % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

async function insertGranted(result: AllocationResult, deps: AllocationDeps): Promise<void> {
  for (const { provider, maxServers, counted } of result.overAllocations) {
    deps.log.warn(`Provider ${provider} over-allocated: max-servers ${maxServers} but counted ${counted}`);
  }
  for (const explanation of result.explanations) {
    if (explanation.deficit > 0) deps.log.debug(describeLabel(explanation));
  }
  const rows = new Map<string, NewNode[]>();
  for (const { label, provider, target, count } of result.grants) {
    deps.log.info(`Need to launch ${count} ${label} nodes for ${target} on ${provider}`);
    const ofLabel = rows.get(label) ?? [];
    ofLabel.push(...Array.from({ length: count }, () => ({ provider, label, target })));
    rows.set(label, ofLabel);
  }
  // Side by side: other programs are then told of all of it at once.
  await Promise.all([...rows].map(([label, ofLabel]) => insertRows(ofLabel, whyGranted(label, result), deps)));
}

async function insertRows(rows: readonly NewNode[], why: string, deps: AllocationDeps): Promise<void> {
  await deps.nodes.insert(rows, { who: 'allocator', why });
}

function whyGranted(label: string, { explanations }: AllocationResult): string {
  const explanation = explanations.find((each) => each.label === label);
  return explanation === undefined ? 'Granted' : describeLabel(explanation);
}
