import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import { QuotaExceededError, RequestRefusedError, TransientProviderError } from '../provider/errors.ts';
import { describeError } from '../runtime/errors.ts';
import type { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';
import type { Farm } from './farm.ts';
import { labelKey, type LaunchBreakers, providerKey } from './launch-breakers.ts';
import { LaunchError } from './launch-error.ts';
import { launchNode } from './launch-node.ts';
import type { Launch, LaunchDeps } from './launch.ts';

export type LaunchPassDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly launches: KeyedTasks;
  readonly breakers: LaunchBreakers;
  readonly log: Logger;
  /** The rest of what a launch needs. */
  readonly launchDeps: (launch: Launch, farm: Farm, task: Task) => LaunchDeps;
};

/** Starts or resumes the launch of every `building` row that this process has not under way. */
export async function runLaunchPass(deps: LaunchPassDeps, signal: AbortSignal): Promise<void> {
  const farm = deps.farm();
  for (const node of await deps.nodes.list({ states: ['building'] })) {
    if (deps.launches.has(nodeKey(node))) continue;
    const launch = findLaunch(node, farm);
    if (launch === undefined) await abandon(node, deps);
    else {
      deps.launches.start(nodeKey(node), signal, async (task, inner) => {
        await launchOnce(launch, deps.launchDeps(launch, farm, task), { deps, signal: inner });
      });
    }
  }
}

/** The key of a node in KeyedTasks. */
export function nodeKey(node: Pick<Node, 'id'>): string {
  return `node ${node.id}`;
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
  const why = 'Its label, provider, image or target is no longer configured';
  deps.log.info(`Launch of node id: ${node.id} ends here`, { why });
  await deps.nodes.apply(node, 'launchFailed', { who: 'launcher', why });
}

async function launchOnce(
  launch: Launch,
  launchDeps: LaunchDeps,
  { deps, signal }: { readonly deps: LaunchPassDeps; readonly signal: AbortSignal },
): Promise<void> {
  const cloudKey = providerKey(launch.provider.name);
  const machineKey = labelKey(launch.label.name, launch.image.name);
  try {
    await launchNode(launch, launchDeps, signal);
    deps.breakers.succeeded(cloudKey);
    deps.breakers.succeeded(machineKey);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof QuotaExceededError) {
      deps.breakers.noRoom(cloudKey, describeError(error));
      deps.log.warn(`No room in ${launch.provider.name}: ${describeError(error)}`);
      return;
    }
    if (!(error instanceof LaunchError)) throw error;
    const key = isCloudFault(error) ? cloudKey : machineKey;
    const pauseMs = deps.breakers.failed(key, describeError(error));
    if (pauseMs > 0)
      deps.log.warn(`Launches of ${key} pause for ${Math.round(pauseMs / 1000)} s after repeated failures`);
  }
}

/** Whether the cloud is to blame, rather than the machine, its image or a script. */
function isCloudFault(error: LaunchError): boolean {
  if (error.outcome === 'error.status' || error.outcome === 'error.network') return true;
  return error.cause instanceof TransientProviderError || error.cause instanceof RequestRefusedError;
}
