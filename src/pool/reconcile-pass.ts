import { type Agent, type Agents, OFFLINE_BY_GEARMAN, ONE_JOB_ONLY } from '../node/agents.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { NodeEvent } from '../node/lifecycle.ts';
import type { Node } from '../node/node.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Farm } from './farm.ts';
import { deletionFacts } from './job-events.ts';
import type { SingleUse } from './single-use.ts';

export type ReconcileDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly deleteDelayMs: () => number;
  /** Keeps what was seen once: a difference is acted on when a second pass sees it too. */
  readonly sightings: Sightings;
  readonly singleUse: Pick<SingleUse, 'close' | 'keepOnly'>;
};

/** Passes may be woken one right after the other; what both of them see may still be one and the same moment. */
const LEAST_GAP_MS = 30_000;

/** What the previous pass saw, and since when. */
export class Sightings {
  #before = new Map<string, number>();
  #now = new Map<string, number>();

  /** Notes a sighting; true if the previous pass had it too, and it was first seen long enough ago. */
  isSecond(sighting: string, nowMs: number): boolean {
    const firstMs = this.#before.get(sighting);
    this.#now.set(sighting, firstMs ?? nowMs);
    return firstMs !== undefined && nowMs - firstMs >= LEAST_GAP_MS;
  }

  /** Ends a pass: what it did not see again is forgotten. */
  endPass(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }
}

/** A change that the difference between a row and its agent asks for. */
export type Repair = { readonly event: NodeEvent; readonly why: string; readonly needsSecondSighting: boolean };

/** Compares the nodes with what Jenkins shows and repairs what lost events left. Rows are read before Jenkins is asked. */
export async function runReconcilePass(deps: ReconcileDeps, signal: AbortSignal): Promise<void> {
  const farm = deps.farm();
  const nodes = await deps.nodes.list({ states: ['ready', 'used'] });
  for (const target of farm.config.targets) {
    const agents = farm.agentsOf(target.name);
    const ours = nodes.filter((node) => node.target === target.name && isInJenkins(node));
    if (agents === undefined || ours.length === 0) continue;
    try {
      await reconcileTarget(ours, agents, { deps, signal });
    } catch (error) {
      signal.throwIfAborted();
      deps.log.warn(`Cannot compare nodes with jenkins of ${target.name}`, { error });
    }
  }
  deps.sightings.endPass();
  deps.singleUse.keepOnly(new Set(nodes.map(({ id }) => id)));
}

/** Also a node that is used although nobody stored that it was registered: the answer of that call was lost. */
function isInJenkins({ state, registeredAt }: Node): boolean {
  return registeredAt !== undefined || state === 'used';
}

async function reconcileTarget(
  nodes: readonly Node[],
  agents: Agents,
  { deps, signal }: { readonly deps: ReconcileDeps; readonly signal: AbortSignal },
): Promise<void> {
  const listed = new Map((await agents.list(signal)).map((agent) => [agent.nodename, agent]));
  for (const node of nodes) {
    const nodename = node.nodename ?? '';
    const agent = listed.get(nodename) ?? (await agents.find(nodename, signal));
    const repair = findRepair(node, agent);
    if (repair !== undefined) await consider(node, repair, deps);
    else if (agent !== undefined && lacksLabel(node, agent)) await relabel(node, agents, { deps, signal });
    // The start of its job was missed, or said before a restart: nobody knows whether the job takes the node offline.
    if (agent?.busy === true && !agent.temporarilyOffline) deps.singleUse.close(node, signal);
  }
}

async function consider(node: Node, repair: Repair, deps: ReconcileDeps): Promise<void> {
  const sighting = `${node.id} v${node.version} ${repair.event}`;
  if (repair.needsSecondSighting && !deps.sightings.isSecond(sighting, deps.clock.monotonicMs())) return;
  await applyRepair(node, repair, deps);
}

/** Its test job passed, and then Jenkins was away or the daemon ended: without its label it never gets a job. */
function lacksLabel(node: Node, agent: Agent): boolean {
  return (
    node.state === 'ready' && !agent.offline && !node.label.split(' ').every((part) => agent.labels.includes(part))
  );
}

async function relabel(
  { id, nodename = '', label }: Node,
  agents: Agents,
  { deps, signal }: { readonly deps: ReconcileDeps; readonly signal: AbortSignal },
): Promise<void> {
  await agents.relabel(nodename, label, signal);
  deps.log.warn(`Node id: ${id} had no label in jenkins`, { nodename, label });
}

/** Why an agent is offline that ran its job. */
const ENDED = [OFFLINE_BY_GEARMAN, ONE_JOB_ONLY] as const;

/** What is wrong between a node and its agent; undefined: nothing. */
export function findRepair(node: Node, agent: Agent | undefined): Repair | undefined {
  if (agent === undefined) {
    return { event: 'lost', why: 'Its agent is gone from Jenkins', needsSecondSighting: true };
  }
  if (agent.busy) {
    if (node.state !== 'ready') return undefined;
    return { event: 'jobStarted', why: 'A build runs on it: its start was missed', needsSecondSighting: false };
  }
  if (agent.temporarilyOffline && ENDED.some((reason) => agent.offlineReason.includes(reason))) {
    return { event: 'jobFinished', why: 'It is offline after its job: the end was missed', needsSecondSighting: false };
  }
  if (node.state === 'used') {
    return { event: 'jobFinished', why: 'It is idle after its job: the end was missed', needsSecondSighting: true };
  }
  return undefined;
}

async function applyRepair(node: Node, repair: Repair, deps: ReconcileDeps): Promise<void> {
  const facts = repair.event === 'jobFinished' ? deletionFacts(deps) : {};
  const cause = { who: 'reconcile', why: repair.why };
  const repaired = await deps.nodes.apply(node, repair.event, cause, facts);
  if (repaired !== undefined) deps.log.warn(`Node id: ${node.id} is ${repaired.state}: ${repair.why}`);
}
