import { allocate, type AllocationResult } from '../allocation/allocate.ts';
import type { AllocationRound } from '../allocation/allocation-history.ts';
import type { Demand } from '../allocation/demand-from-status.ts';
import { describeLabel } from '../allocation/label-explanation.ts';
import { type AllocationProvider, withPendingSubnodes } from '../allocation/supply-and-deficit.ts';
import type { LabelConfig } from '../config/config.ts';
import type { NodeCount, NodeStore } from '../node/node-store.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Farm } from './farm.ts';
import { labelKey, type LaunchBreakers, providerKey } from './launch-breakers.ts';

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
  readonly history: () => readonly AllocationRound[];
  readonly saveRound: (round: AllocationRound) => Promise<void>;
  readonly log: Logger;
};

/** Compares demand with what there is and inserts a `building` row for each node to launch. */
export async function runAllocationPass(deps: AllocationDeps, signal: AbortSignal): Promise<AllocationResult> {
  const { config } = deps.farm();
  const demand = await deps.demand(signal);
  const state = await deps.readState();
  const labels = config.labels.map((label) => ({ ...label }));
  const result = allocate({
    providers: config.providers.map((provider) => toAllocation(provider, state, deps)),
    targets: config.targets.map(({ name }) => ({ name, online: deps.isOnline(name) })),
    labels: labels.map((label) => withoutBrokenImage(label, state, deps)),
    nodes: withPendingSubnodes(state.nodes, labels),
    demand,
    history: deps.history(),
  });
  await insertGranted(result, deps);
  await deps.saveRound(result.round);
  return result;
}

function toAllocation(
  { name, maxServers }: { readonly name: string; readonly maxServers: number },
  state: AllocationState,
  deps: AllocationDeps,
): AllocationProvider {
  // A paused provider serves nothing; its free slots still count, as do those of a provider without the image.
  const paused = deps.breakers.isOpen(providerKey(name));
  return { name, maxServers, readyImages: paused ? new Set() : (state.readyImages.get(name) ?? new Set()) };
}

/** A label whose machines or scripts keep failing waits as if its image were missing; one probe goes through at a time. */
function withoutBrokenImage(label: LabelConfig, state: AllocationState, deps: AllocationDeps): LabelConfig {
  const key = labelKey(label.name, label.image);
  const building = state.nodes.some((row) => row.label === label.name && row.state === 'building' && row.count > 0);
  const waits = deps.breakers.isOpen(key) || (deps.breakers.isProbing(key) && building);
  return waits ? { ...label, providers: [] } : label;
}

async function insertGranted(result: AllocationResult, deps: AllocationDeps): Promise<void> {
  for (const { provider, maxServers, counted } of result.overAllocations) {
    deps.log.warn(`Provider ${provider} over-allocated: max-servers ${maxServers} but counted ${counted}`);
  }
  for (const explanation of result.explanations) {
    if (explanation.deficit > 0) deps.log.debug(describeLabel(explanation));
  }
  for (const { label, provider, target, count } of result.grants) {
    deps.log.info(`Need to launch ${count} ${label} nodes for ${target} on ${provider}`);
    const explanation = result.explanations.find((each) => each.label === label);
    const why = explanation === undefined ? 'Granted' : describeLabel(explanation);
    const rows = Array.from({ length: count }, () => ({ provider, label, target }));
    await deps.nodes.insert(rows, { who: 'allocator', why });
  }
}
