import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import { type Backoff, backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { Task } from '../runtime/task-board.ts';
import { type DeleteDeps, deleteNode } from './delete-node.ts';
import type { Farm } from './farm.ts';
import { LaunchEndedError } from './launch-error.ts';
import { nodeKey } from './launch-pass.ts';

const RETRY: Backoff = { firstMs: 1000, maxMs: 60_000 };

export type DeletionPassDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly launches: KeyedTasks;
  readonly deletions: KeyedTasks;
  readonly retries: DeletionRetries;
  readonly clock: Clock;
  readonly log: Logger;
  /** The rest of what a deletion needs; undefined: its provider is no longer known. */
  readonly deleteDeps: (node: Node, farm: Farm, task: Task) => DeleteDeps | undefined;
};

/** When to try again to delete what did not go. Lost at a restart, when everything is tried at once. */
export class DeletionRetries {
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #waiting = new Map<number, { readonly tries: number; readonly dueMs: number }>();

  constructor(deps: { readonly clock: Clock; readonly randomness: Randomness }) {
    this.#clock = deps.clock;
    this.#randomness = deps.randomness;
  }

  isDue(id: number): boolean {
    return (this.#waiting.get(id)?.dueMs ?? 0) <= this.#clock.monotonicMs();
  }

  postpone(id: number): void {
    const tries = (this.#waiting.get(id)?.tries ?? 0) + 1;
    this.#waiting.set(id, { tries, dueMs: this.#clock.monotonicMs() + backoffMs(tries, RETRY, this.#randomness) });
  }

  forget(id: number): void {
    this.#waiting.delete(id);
  }

  /** Milliseconds until the next one is due; undefined: none waits. */
  nextDueMs(): number | undefined {
    const dues = [...this.#waiting.values()].map(({ dueMs }) => dueMs - this.#clock.monotonicMs());
    return dues.length === 0 ? undefined : Math.max(0, Math.min(...dues));
  }
}

/** Starts the deletion of every row in `delete` that is due and not under way. Tried for ever, with back-off. */
export async function runDeletionPass(deps: DeletionPassDeps, signal: AbortSignal): Promise<void> {
  for (const node of await deps.nodes.list({ states: ['delete'] })) startDeletion(node, deps, signal);
}

/** Starts the deletion of one node, unless it is under way or not due. */
export function startDeletion(node: Node, deps: DeletionPassDeps, signal: AbortSignal): void {
  const key = nodeKey(node);
  if (deps.deletions.has(key) || !deps.retries.isDue(node.id)) return;
  if (node.forced !== true && (node.deleteAfter?.getTime() ?? 0) > deps.clock.now().getTime()) return;
  deps.deletions.start(key, signal, async (task, inner) => {
    // Its launch first lets go of the machine: it sees the row's state at its next step, or is cut off here.
    await deps.launches.stop(key, new LaunchEndedError(`Launch of node id: ${node.id} ends here: it is deleted`));
    await deleteOnce(node, { deps, task }, inner);
  });
}

async function deleteOnce(
  node: Node,
  { deps, task }: { readonly deps: DeletionPassDeps; readonly task: Task },
  signal: AbortSignal,
): Promise<void> {
  const current = await deps.nodes.find(node.id); // the launch that was cut off may have stored its server
  const deleteDeps = current === undefined ? undefined : deps.deleteDeps(current, deps.farm(), task);
  if (current === undefined) return;
  if (deleteDeps === undefined) {
    deps.retries.postpone(node.id);
    deps.log.warn(`Cannot delete node id: ${node.id}: provider ${node.provider} is no longer configured`);
    return;
  }
  try {
    const outcome = await deleteNode(current, deleteDeps, signal);
    if (outcome === 'gone') deps.retries.forget(node.id);
    else postpone(current, outcome === 'busy' ? 'a build still runs on it' : 'Jenkins still lists its agent', deps);
  } catch (error) {
    signal.throwIfAborted();
    postpone(current, describeError(error), deps);
  }
}

function postpone(node: Node, why: string, deps: DeletionPassDeps): void {
  const ageS = Math.round((deps.clock.now().getTime() - node.stateChangedAt.getTime()) / 1000);
  deps.retries.postpone(node.id);
  deps.log.warn(`Deletion of node id: ${node.id} goes on later: ${why}`, { provider: node.provider, ageS });
}
