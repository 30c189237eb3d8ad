import type { HistoryStore } from '../node/history-store.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import { QuotaExceededError } from '../provider/errors.ts';
import { describeError } from '../runtime/errors.ts';
import type { KeyedTasks, TaskKey } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';
import type { Farm } from './farm.ts';
import { imageKey, labelKey, type LaunchBreakers, providerKey, smokeKey } from './launch-breakers.ts';
import { LaunchError } from './launch-error.ts';
import { launchNode } from './launch-node.ts';
import type { LaunchTurn, LaunchTurns } from './launch-turns.ts';
import type { Launch, LaunchDeps } from './launch.ts';
import { crashPoint } from '../runtime/crash-point.ts';

export type LaunchPassDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly history: Pick<HistoryStore, 'note'>;
  readonly launches: KeyedTasks;
  /** Bound the launches of each provider by its `max-concurrency`. */
  readonly turns: LaunchTurns;
  readonly breakers: LaunchBreakers;
  readonly log: Logger;
  /** True: a launch whose turn comes now does not begin. Absent: it does. */
  readonly isFrozen?: () => boolean;
  /** False: what is not configured here may be so in the daemon that allocated it. Absent: there is no other daemon. */
  readonly mayAbandon?: () => boolean;
  /** The rest of what a launch needs. */
  readonly launchDeps: (launch: Launch, farm: Farm, task: Task) => LaunchDeps;
};

/** Starts or resumes the launch of every `building` row that neither this process nor another daemon has under way. */
export async function runLaunchPass(deps: LaunchPassDeps, signal: AbortSignal): Promise<void> {
  const farm = deps.farm();
  for (const { name, maxConcurrency } of farm.config.providers) deps.turns.allow(name, maxConcurrency);
  const nodes = await deps.nodes.list({ states: ['building'], claimable: true });
  for (const node of inOrder(nodes)) {
    if (deps.launches.has(nodeKey(node))) continue;
    if (findLaunch(node, farm) === undefined) await abandon(node, deps);
    else {
      deps.launches.start(nodeTask(node), signal, async (task, inner) => {
        await launchInTurn(node, { deps, task }, inner);
      });
    }
  }
}

/** Those first whose launch an earlier process began: their servers are there already. Then by age. */
function inOrder(nodes: readonly Node[]): readonly Node[] {
  const rank = ({ step }: Node): number => (step === undefined ? 1 : 0);
  return [...nodes].sort((a, b) => rank(a) - rank(b) || a.id - b.id);
}

/** The key of a node in KeyedTasks. */
export function nodeKey(node: Pick<Node, 'id'>): string {
  return `node ${node.id}`;
}

/** Names a task about the node. */
export function nodeTask(node: Pick<Node, 'id' | 'provider' | 'target'>): TaskKey {
  return { key: nodeKey(node), lane: `${node.provider} ${node.target}` };
}

/** The sections that the row was allocated by; undefined: one of them is no longer configured. */
export function findLaunch(node: Node, { config }: Farm): Launch | undefined {
  const label = config.labels.find(({ name }) => name === node.label);
  const provider = config.providers.find(({ name }) => name === node.provider);
  const target = config.targets.find(({ name }) => name === node.target);
  const image = provider?.images.find(({ name }) => name === label?.image);
  if (label === undefined || provider === undefined || target === undefined || image === undefined) return undefined;
  return { node, label, provider, target, image };
}

async function abandon(node: Node, deps: LaunchPassDeps): Promise<void> {
  if (deps.mayAbandon?.() === false) return;
  const why = 'Its label, provider, image or target is no longer configured';
  deps.log.info(`Launch of node id: ${node.id} ends here`, { why });
  await deps.nodes.apply(node, 'launchFailed', { who: 'launcher', why });
}

type LaunchTask = { readonly deps: LaunchPassDeps; readonly task: Task };

async function launchInTurn(found: Node, { deps, task }: LaunchTask, signal: AbortSignal): Promise<void> {
  using turn = deps.turns.ask(found.provider);
  if (!turn.hasCome) await waitForTurn(found, turn, { deps, task, signal });
  if (deps.isFrozen?.() === true) return;
  // What the pass read may be old: an earlier task of this node ended since, this one waited for its turn, another daemon
  // was faster, or the configuration changed, and then the next pass judges.
  const farm = deps.farm();
  const launch = findLaunch(found, farm);
  if (launch === undefined) return;
  const node = await deps.nodes.claim(found.id);
  if (node?.state !== 'building') return;
  crashPoint('launch-claimed');
  await launchOnce({ ...launch, node }, deps.launchDeps(launch, farm, task), { deps, signal });
}

/** Says in the history and on the task board what the node waits for. */
async function waitForTurn(
  node: Node,
  turn: LaunchTurn,
  { deps, task, signal }: LaunchTask & { readonly signal: AbortSignal },
): Promise<void> {
  const most = findLaunch(node, deps.farm())?.provider.maxConcurrency ?? 0;
  const waitsFor = `its turn: ${node.provider} has a max-concurrency of ${most}, and so many launches are under way`;
  task.waitOn(waitsFor);
  await deps.history.note({
    ...{ subject: 'node', subjectId: node.id, event: 'waits', who: 'launcher' },
    why: `Waits for ${waitsFor}`,
  });
  await turn.wait(signal);
  task.waitOn(undefined);
}

async function launchOnce(
  launch: Launch,
  launchDeps: LaunchDeps,
  { deps, signal }: { readonly deps: LaunchPassDeps; readonly signal: AbortSignal },
): Promise<void> {
  try {
    const end = await launchNode(launch, launchDeps, signal);
    if (end === 'ready') noteSuccess(launch, deps);
    else if (end === 'tested') deps.breakers.succeeded(smokeKey(launch.provider.name, launch.image.name));
  } catch (error) {
    // Before a look at the signal: the deletion that a failure begins stops what is left of the launch.
    if (error instanceof QuotaExceededError) noteNoRoom(launch, error, deps);
    else if (error instanceof LaunchError) noteFailure(launch, error, deps);
    else throw error;
  }
}

function noteSuccess({ provider, label, image }: Launch, { breakers }: LaunchPassDeps): void {
  breakers.succeeded(providerKey(provider.name));
  breakers.succeeded(imageKey(provider.name, image.name));
  breakers.succeeded(labelKey(label.name, image.name));
}

function noteNoRoom({ provider }: Launch, error: QuotaExceededError, { breakers, log }: LaunchPassDeps): void {
  breakers.noRoom(providerKey(provider.name), describeError(error));
  log.warn(`No room in ${provider.name}: ${describeError(error)}`);
}

function noteFailure(launch: Launch, error: LaunchError, { breakers, log }: LaunchPassDeps): void {
  const key = blamedKey(launch, error);
  const pauseMs = key === undefined ? 0 : breakers.failed(key, describeError(error));
  if (key === undefined || pauseMs === 0) return;
  log.warn(`Launches of ${key} pause for ${Math.round(pauseMs / 1000)} s after repeated failures`);
}

function blamedKey({ node, provider, label, image }: Launch, error: LaunchError): string | undefined {
  if (node.smokeImageId !== undefined) return smokeKey(provider.name, image.name);
  switch (error.blames) {
    case 'cloud':
      return providerKey(provider.name);
    case 'request':
      return imageKey(provider.name, image.name);
    case 'machine':
      return labelKey(label.name, image.name);
    case 'nobody':
      return undefined;
  }
}
