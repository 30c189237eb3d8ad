/** Allocation: demand and free slots → which nodes to launch, and why. Pure; rules of upstream's getNeededNodes. */
import type { NodeCount } from '../node/node-store.ts';
import type { ServerSize } from '../provider/cloud-provider.ts';
import { type AllocationRound, waitedRounds } from './allocation-history.ts';
import type { Demand } from './demand-from-status.ts';
import { type Grant, grantRequests } from './grant-requests.ts';
import type { AllocationOutcome, LabelExplanation } from './label-explanation.ts';
import { type Room, slotsFor } from './provider-room.ts';
import {
  type AllocationLabel,
  type AllocationProvider,
  type AllocationTarget,
  countByTarget,
  countServers,
  countSupply,
  deficitOf,
  findOverAllocations,
  type OverAllocation,
  roomIn,
} from './supply-and-deficit.ts';

/** All that one pass looks at. The lists are in the order of the configuration file, which decides ties. */
export type AllocationInput = {
  readonly providers: readonly AllocationProvider[];
  readonly targets: readonly AllocationTarget[];
  readonly labels: readonly AllocationLabel[];
  /** In any order; rows of removed providers, labels and targets too. */
  readonly nodes: readonly NodeCount[];
  readonly demand: Demand;
  /** Past rounds, newest first. */
  readonly history: readonly AllocationRound[];
};

export type AllocationResult = {
  /** What to launch, in this order. */
  readonly grants: readonly Grant[];
  /** The record of this pass, to be put before the history. */
  readonly round: AllocationRound;
  /** Free slots of each provider before the grants. */
  readonly available: ReadonlyMap<string, number>;
  /** One for each configured label, in order. */
  readonly explanations: readonly LabelExplanation[];
  readonly overAllocations: readonly OverAllocation[];
};

type LabelNeeds = Omit<LabelExplanation, 'granted' | 'outcome'>;

type Rooms = ReadonlyMap<string, Room>;

/** Decides which nodes to launch. Same input, same result; the order of `nodes` and of a label's providers is free. */
export function allocate(input: AllocationInput): AllocationResult {
  const online = input.targets.filter((target) => target.online).map((target) => target.name);
  const rooms: Rooms = new Map(input.providers.map((provider) => [provider.name, roomIn(provider, input)]));
  const needs = assessLabels(input, rooms, new Set(online));
  const current = countByTarget(input.nodes);
  const images = new Map(input.labels.map(({ name, image }) => [name, image]));
  const { grants, round } = grantRequests({
    providers: [...rooms].map(([name, { slots, ...room }]) => ({ name, available: slots, ...room })),
    targets: online,
    labels: needs.map(({ label, deficit, subnodes, usableProviders }) => ({
      label,
      requested: deficit,
      subnodes,
      providers: usableProviders,
      sizes: sizesOf(images.get(label) ?? '', input.providers),
      current: current.get(label) ?? new Map<string, number>(),
    })),
    history: input.history,
  });
  return {
    grants,
    round,
    available: new Map([...rooms].map(([name, { slots }]) => [name, slots])),
    explanations: needs.map((need) => explain(need, round)),
    overAllocations: findOverAllocations(input.providers, countServers(input.nodes)),
  };
}

/** What a server of the image takes, by provider. */
function sizesOf(image: string, providers: readonly AllocationProvider[]): ReadonlyMap<string, ServerSize> {
  const known = new Map<string, ServerSize>();
  for (const { name, sizes } of providers) {
    const size = sizes?.get(image);
    if (size !== undefined) known.set(name, size);
  }
  return known;
}

function assessLabels(input: AllocationInput, rooms: Rooms, online: ReadonlySet<string>): LabelNeeds[] {
  const supply = countSupply(input.nodes, online);
  const providers = new Map(input.providers.map((provider) => [provider.name, provider]));
  return input.labels.map((label) => {
    const names = [...new Set(label.providers)];
    const own = names.flatMap((name) => providers.get(name) ?? []);
    const slotsIn = ({ name, sizes }: AllocationProvider): number => {
      const room = rooms.get(name);
      return room === undefined ? 0 : slotsFor(room, sizes?.get(label.image));
    };
    const numbers = {
      demand: input.demand.get(label.name) ?? 0,
      minReady: label.minReady,
      supply: supply.get(label.name) ?? 0,
      capacity: own.reduce((sum, provider) => sum + slotsIn(provider), 0),
    };
    return {
      label: label.name,
      ...numbers,
      deficit: deficitOf(numbers),
      subnodes: label.subnodes,
      usableProviders: own.filter((p) => p.readyImages.has(label.image)).map((p) => p.name),
      providersWithoutImage: own.filter((p) => !p.readyImages.has(label.image)).map((p) => p.name),
      unknownProviders: names.filter((name) => !providers.has(name)),
      waitedRounds: waitedRounds(label.name, input.history),
    };
  });
}

function explain(need: LabelNeeds, round: AllocationRound): LabelExplanation {
  const entry = round.get(need.label);
  const granted = entry?.granted ?? 0;
  return { ...need, granted, outcome: outcomeOf(need, granted, entry !== undefined) };
}

function outcomeOf(need: LabelNeeds, granted: number, targetOnline: boolean): AllocationOutcome {
  if (need.minReady < 0) return 'off';
  if (need.deficit === 0) return need.minReady + need.demand > need.supply ? 'min-ready-dropped' : 'enough';
  if (!targetOnline) return 'no-target';
  if (need.usableProviders.length === 0) return 'no-image';
  if (granted === need.deficit) return 'granted';
  return granted > 0 ? 'partly-granted' : 'no-room';
}
