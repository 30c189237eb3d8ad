import type { ServerSize } from '../provider/cloud-provider.ts';
import { type AllocationRound, type RoundEntry, waitedRounds } from './allocation-history.ts';
import { type Room, roomBeside, slotsFor } from './provider-room.ts';
import { spreadOverTargets } from './spread-over-targets.ts';

/** What a label asks for in this pass, and where it may get it. */
export type LabelRequest = {
  readonly label: string;
  /** Nodes. */
  readonly requested: number;
  /** A node takes `1 + subnodes` slots. */
  readonly subnodes: number;
  /** Providers where its image is ready; their order does not matter, unknown ones are skipped. */
  readonly providers: readonly string[];
  /** What a server of its image takes, by provider; a provider that is absent bounds it by slots alone. */
  readonly sizes?: ReadonlyMap<string, ServerSize>;
  /** Nodes of the label by target, in any state. */
  readonly current: ReadonlyMap<string, number>;
};

export type GrantInput = {
  /** Free slots; less than none counts as none. The order matters: the first rounds up first. */
  readonly providers: readonly ({ readonly name: string; readonly available: number } & Partial<ServerSize>)[];
  /** Online targets; the order decides who gets an odd one. */
  readonly targets: readonly string[];
  /** The order decides ties. */
  readonly labels: readonly LabelRequest[];
  /** Newest first. */
  readonly history: readonly AllocationRound[];
};

/** Launch `count` nodes of `label` in `provider` for `target`. */
export type Grant = {
  readonly label: string;
  readonly provider: string;
  readonly target: string;
  /** At least 1. */
  readonly count: number;
};

type OpenProvider = { readonly name: string; room: Room };

type OpenRequest = {
  readonly label: string;
  readonly requested: number;
  readonly slotsPerNode: number;
  readonly waited: number;
  /** By target, in the order of the targets. */
  readonly current: number[];
  readonly sizes: ReadonlyMap<string, ServerSize>;
  /** Nodes wanted of each provider that this label has not had its turn at. Fractions. */
  readonly shares: Map<OpenProvider, number>;
  remaining: number;
};

type Turn = (request: OpenRequest, wanted: number) => void;

/**
 * Hands out free slots (upstream: allocation.py). Each label's request is parted over its providers by their free
 * slots; a provider serves first the labels that waited longest, then those with the fewest other providers, each by
 * its part of what is asked there. A grant never takes more slots than are free (upstream sizes it in nodes alone). Where
 * cores or memory are bounded, a label's free slots are those that its servers fit into.
 */
export function grantRequests(input: GrantInput): { grants: Grant[]; round: AllocationRound } {
  if (input.targets.length === 0) return { grants: [], round: new Map() };
  const providers = input.providers.map(({ name, available, cores = Infinity, ramMib = Infinity }) => {
    return { name, room: { slots: Math.max(0, available), cores, ramMib } };
  });
  const requests = openRequests(input, providers);
  const grants: Grant[] = [];
  for (const provider of providers) {
    serveProvider(provider, requests, (request, wanted) => {
      const count = take(request, provider, wanted);
      const given = spreadOverTargets(count, request.current);
      for (const [index, target] of input.targets.entries()) {
        const placed = given[index] ?? 0;
        if (placed > 0) grants.push({ label: request.label, provider: provider.name, target, count: placed });
      }
    });
  }
  return { grants, round: new Map(requests.map((request) => [request.label, roundEntry(request)])) };
}

function openRequests(input: GrantInput, providers: readonly OpenProvider[]): OpenRequest[] {
  const byName = new Map(providers.map((provider) => [provider.name, provider]));
  return input.labels.map((label) => {
    const usable = label.providers.flatMap((name) => byName.get(name) ?? []);
    const request: OpenRequest = {
      label: label.label,
      requested: label.requested,
      slotsPerNode: 1 + label.subnodes,
      sizes: label.sizes ?? new Map<string, ServerSize>(),
      waited: waitedRounds(label.label, input.history),
      current: input.targets.map((target) => label.current.get(target) ?? 0),
      shares: new Map(usable.map((provider) => [provider, 0])),
      remaining: label.requested,
    };
    updateShares(request);
    return request;
  });
}

/** Parts what remains over the open providers. Divide, then multiply: other groupings round elsewhere. */
function updateShares(request: OpenRequest): void {
  const { shares, remaining } = request;
  let total = 0;
  for (const provider of shares.keys()) total += freeFor(request, provider);
  for (const provider of shares.keys()) {
    shares.set(provider, total > 0 ? (freeFor(request, provider) / total) * remaining : 0);
  }
}

/** The slots that its servers could take there now. */
function freeFor({ sizes }: OpenRequest, { name, room }: OpenProvider): number {
  return slotsFor(room, sizes.get(name));
}

function serveProvider(provider: OpenProvider, requests: readonly OpenRequest[], grant: Turn): void {
  const open = requests.filter((request) => request.shares.has(provider));
  const waiting = open.filter((request) => request.waited > 0).sort((a, b) => b.waited - a.waited);
  const rest = open.filter((request) => request.waited === 0);
  for (const request of waiting) {
    if (freeFor(request, provider) > 0) grant(request, Math.trunc(request.shares.get(provider) ?? 0));
    else rest.push(request);
  }
  serveByRatio(provider, rest, grant);
}

function serveByRatio(provider: OpenProvider, requests: readonly OpenRequest[], grant: Turn): void {
  // A label's share and rank change with its own grants only, so both hold until its turn.
  const queue = requests
    .map((request) => ({ request, share: request.shares.get(provider) ?? 0, rank: request.shares.size }))
    .sort((a, b) => a.rank - b.rank);
  for (const [index, { request, share, rank }] of queue.entries()) {
    let total = 0;
    for (let peer = queue[index], next = index; peer?.rank === rank; peer = queue[(next += 1)]) total += peer.share;
    const ratio = total === 0 ? 0 : share / total;
    grant(request, Math.min(Math.round(share), Math.round(freeFor(request, provider) * ratio)));
  }
}

/** The label's one turn at this provider: takes what fits, and parts the rest over its other providers. */
function take(request: OpenRequest, provider: OpenProvider, wanted: number): number {
  const count = Math.max(0, Math.min(wanted, Math.floor(freeFor(request, provider) / request.slotsPerNode)));
  request.shares.delete(provider);
  request.remaining -= count;
  provider.room = roomBeside(provider.room, count * request.slotsPerNode, request.sizes.get(provider.name));
  updateShares(request);
  return count;
}

function roundEntry({ requested, remaining }: OpenRequest): RoundEntry {
  return { requested, granted: requested - remaining };
}
