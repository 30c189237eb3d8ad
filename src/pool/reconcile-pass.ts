import { type Agent, type Agents, OFFLINE_BY_GEARMAN, ONE_JOB_ONLY } from '../node/agents.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { NodeEvent } from '../node/lifecycle.ts';
import type { Node } from '../node/node.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { PartedPass } from '../runtime/parted-pass.ts';
import type { Farm } from './farm.ts';
import { deletionFacts } from './job-events.ts';
import type { SingleUse } from './single-use.ts';

export type ReconcileDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly deleteDelayMs: () => number;
  readonly eachTarget: PartedPass;
  /** Keeps what was seen once at a target: a difference is acted on when a second pass sees it too. */
  readonly sightingsAt: (target: string) => Sightings;
  readonly singleUse: Pick<SingleUse, 'close' | 'closeAgain' | 'keepOnly'>;
};

/** Passes may be woken one right after the other; what both of them see may still be one and the same moment. */
const LEAST_GAP_MS = 30_000;

/** What the previous pass saw, and since when. */
export class Sightings {
  #before = new Map<string, number>();
  #now = new Map<string, number>();

  /** Notes a sighting; true if the previous pass had it too, and it was first seen long enough ago. */
  isSecond(sighting: string, nowMs: number, leastAgeMs = LEAST_GAP_MS): boolean {
    const firstMs = this.#before.get(sighting);
    this.#now.set(sighting, firstMs ?? nowMs);
    return firstMs !== undefined && nowMs - firstMs >= leastAgeMs;
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
  const nodes = await deps.nodes.list({ states: IN_JENKINS });
  deps.singleUse.keepOnly(new Set(nodes.map(({ id }) => id)));
  const parts = deps.farm().config.targets.map(({ name }) => ({
    name,
    pass: (inner: AbortSignal) => reconcileTarget(name, deps, inner),
  }));
  await deps.eachTarget.run(parts, signal);
}

/** States in which a node may be an agent that takes jobs. */
const IN_JENKINS = ['ready', 'used'] as const;

async function reconcileTarget(target: string, deps: ReconcileDeps, signal: AbortSignal): Promise<void> {
  const agents = deps.farm().agentsOf(target);
  const nodes = await deps.nodes.list({ states: IN_JENKINS, target });
  const ours = nodes.filter(isInJenkins);
  if (agents !== undefined && ours.length > 0) {
    try {
      await reconcileNodes(ours, agents, { deps, signal });
    } catch (error) {
      signal.throwIfAborted();
      deps.log.warn(`Cannot compare nodes with jenkins of ${target}`, { error });
    }
  }
  deps.sightingsAt(target).endPass();
}

/** Also a node that is used although nobody stored that it was registered: the answer of that call was lost. */
function isInJenkins({ state, registeredAt }: Node): boolean {
  return registeredAt !== undefined || state === 'used';
}

async function reconcileNodes(
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
    if (agent !== undefined && !agent.temporarilyOffline) closeIfUsed(node, agent, { deps, signal });
  }
}

/** An agent that is not switched off takes jobs. */
function closeIfUsed(
  node: Node,
  { busy }: Agent,
  { deps, signal }: { readonly deps: ReconcileDeps; readonly signal: AbortSignal },
): void {
  // The start of its job was missed, or said before a restart: nobody knows whether the job takes the node offline.
  if (busy) deps.singleUse.close(node, signal);
  // It had its job, which did not take it offline, or died with its Jenkins.
  else if (node.state === 'used') deps.singleUse.closeAgain(node, signal);
}

async function consider(node: Node, repair: Repair, deps: ReconcileDeps): Promise<void> {
  const sighting = `${node.id} v${node.version} ${repair.event}`;
  if (repair.needsSecondSighting && !deps.sightingsAt(node.target).isSecond(sighting, deps.clock.monotonicMs())) return;
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
