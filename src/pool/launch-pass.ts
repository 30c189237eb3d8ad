import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import { QuotaExceededError } from '../provider/errors.ts';
import { describeError } from '../runtime/errors.ts';
import type { KeyedTasks, TaskKey } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';
import type { Farm } from './farm.ts';
import { imageKey, labelKey, type LaunchBreakers, providerKey } from './launch-breakers.ts';
import { LaunchError } from './launch-error.ts';
import { launchNode } from './launch-node.ts';
import type { Launch, LaunchDeps } from './launch.ts';
import { crashPoint } from '../runtime/crash-point.ts';

export type LaunchPassDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly launches: KeyedTasks;
  readonly breakers: LaunchBreakers;
  readonly log: Logger;
  /** False: what is not configured here may be so in the daemon that allocated it. Absent: there is no other daemon. */
  readonly mayAbandon?: () => boolean;
  /** The rest of what a launch needs. */
  readonly launchDeps: (launch: Launch, farm: Farm, task: Task) => LaunchDeps;
};

/** Starts or resumes the launch of every `building` row that neither this process nor another daemon has under way. */
export async function runLaunchPass(deps: LaunchPassDeps, signal: AbortSignal): Promise<void> {
  const farm = deps.farm();
  for (const node of await deps.nodes.list({ states: ['building'], claimable: true })) {
    if (deps.launches.has(nodeKey(node))) continue;
    const launch = findLaunch(node, farm);
    if (launch === undefined) await abandon(node, deps);
    else {
      deps.launches.start(nodeTask(node), signal, async (task, inner) => {
        await launchOnce(launch, deps.launchDeps(launch, farm, task), { deps, signal: inner });
      });
    }
  }
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

async function launchOnce(
  found: Launch,
  launchDeps: LaunchDeps,
  { deps, signal }: { readonly deps: LaunchPassDeps; readonly signal: AbortSignal },
): Promise<void> {
  // The row that the pass read may be old: an earlier task of this node ended since, this one waited for its turn, or
  // another daemon was faster.
  const node = await deps.nodes.claim(found.node.id);
  if (node?.state !== 'building') return;
  crashPoint('launch-claimed');
  const launch = { ...found, node };
  try {
    if ((await launchNode(launch, launchDeps, signal)) === 'ready') noteSuccess(launch, deps);
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

function blamedKey({ provider, label, image }: Launch, error: LaunchError): string | undefined {
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
