import type { HistoryStore } from '../node/history-store.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import { type Backoff, backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { SharedComplaints } from '../runtime/shared-complaints.ts';
import type { Task } from '../runtime/task-board.ts';
import { type DeleteDeps, deleteNode } from './delete-node.ts';
import type { Farm } from './farm.ts';
import { LaunchEndedError } from './launch-error.ts';
import { nodeKey, nodeTask } from './launch-pass.ts';
import { crashPoint } from '../runtime/crash-point.ts';

const RETRY: Backoff = { firstMs: 1000, maxMs: 60_000 };

export type DeletionPassDeps = {
  readonly farm: () => Farm;
  readonly nodes: NodeStore;
  readonly history: Pick<HistoryStore, 'note'>;
  readonly launches: KeyedTasks;
  readonly deletions: KeyedTasks;
  readonly retries: DeletionRetries;
  /** By provider and target. */
  readonly complaints: SharedComplaints;
  readonly clock: Clock;
  readonly log: Logger;
  /** The rest of what a deletion needs; undefined: its provider is no longer known. */
  readonly deleteDeps: (node: Node, farm: Farm, task: Task) => DeleteDeps | undefined;
};

/** Tries that failed, and when the next one is due; undefined while it is under way. */
type Retry = { readonly tries: number; readonly dueMs: number | undefined };

/** When to try again to delete what did not go. Lost at a restart, when everything is tried at once. */
export class DeletionRetries {
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #waiting = new Map<number, Retry>();

  constructor(deps: { readonly clock: Clock; readonly randomness: Randomness }) {
    this.#clock = deps.clock;
    this.#randomness = deps.randomness;
  }

  isDue(id: number): boolean {
    return (this.#waiting.get(id)?.dueMs ?? 0) <= this.#clock.monotonicMs();
  }

  /** A try begins; it ends with `postpone` or `forget`. */
  begin(id: number): void {
    const retry = this.#waiting.get(id);
    if (retry !== undefined) this.#waiting.set(id, { ...retry, dueMs: undefined });
  }

  /** Gives how often it was tried. */
  postpone(id: number): number {
    const tries = (this.#waiting.get(id)?.tries ?? 0) + 1;
    this.#waiting.set(id, { tries, dueMs: this.#clock.monotonicMs() + backoffMs(tries, RETRY, this.#randomness) });
    return tries;
  }

  forget(id: number): void {
    this.#waiting.delete(id);
  }

  /** Forgets all others: rows that somebody else removed. */
  keepOnly(ids: ReadonlySet<number>): void {
    for (const id of this.#waiting.keys()) if (!ids.has(id)) this.#waiting.delete(id);
  }

  /** Milliseconds until the next one is due; undefined: none waits. */
  nextDueMs(): number | undefined {
    let nextMs: number | undefined;
    for (const { dueMs } of this.#waiting.values()) {
      if (dueMs !== undefined) nextMs = Math.min(nextMs ?? Infinity, dueMs);
    }
    return nextMs === undefined ? undefined : Math.max(0, nextMs - this.#clock.monotonicMs());
  }
}

/** Starts the deletion of every row in `delete` that is due and not under way, here or in another daemon. Tried for ever, with back-off. */
export async function runDeletionPass(deps: DeletionPassDeps, signal: AbortSignal): Promise<void> {
  const nodes = await deps.nodes.list({ states: ['delete'], claimable: true });
  deps.retries.keepOnly(new Set(nodes.map(({ id }) => id)));
  for (const node of nodes) startDeletion(node, deps, signal);
}

/** Starts the deletion of one node, unless it is under way or not due. */
export function startDeletion(node: Node, deps: DeletionPassDeps, signal: AbortSignal): void {
  const key = nodeKey(node);
  if (deps.deletions.has(key) || !deps.retries.isDue(node.id)) return;
  if (node.forced !== true && (node.deleteAfter?.getTime() ?? 0) > deps.clock.now().getTime()) return;
  const started = deps.deletions.start(nodeTask(node), signal, async (task, inner) => {
    // Its launch first lets go of the machine: it sees the row's state at its next step, or is cut off here.
    await deps.launches.stop(key, new LaunchEndedError(`Launch of node id: ${node.id} ends here: it is deleted`));
    await deleteOnce(node, { deps, task }, inner);
  });
  if (started) deps.retries.begin(node.id);
}

type DeletionTry = { readonly deps: DeletionPassDeps; readonly task: Task };

async function deleteOnce(node: Node, { deps, task }: DeletionTry, signal: AbortSignal): Promise<void> {
  try {
    const remains = await tryToDelete(node, { deps, task }, signal);
    if (remains === undefined) deps.retries.forget(node.id);
    else await postpone(node, { why: `: ${remains}` }, deps);
    deps.complaints.worked(peersOf(node));
  } catch (error) {
    signal.throwIfAborted();
    await postpone(node, { why: '', error }, deps);
  }
}

/** Undefined: the row is gone, or another daemon's. Otherwise why it is still there. */
async function tryToDelete(found: Node, { deps, task }: DeletionTry, signal: AbortSignal): Promise<string | undefined> {
  const deleteDeps = deps.deleteDeps(found, deps.farm(), task);
  // Before the claim: another daemon may know the provider.
  if (deleteDeps === undefined) return `provider ${found.provider} is no longer configured`;
  const node = await deps.nodes.claim(found.id); // the launch that was cut off may have stored its server
  if (node === undefined) return undefined;
  crashPoint('deletion-claimed');
  const outcome = await deleteNode(node, deleteDeps, signal);
  if (outcome === 'gone') return undefined;
  return outcome === 'busy' ? 'a build still runs on it' : 'Jenkins still lists its agent';
}

async function postpone(
  node: Node,
  reason: { readonly why: string; readonly error?: unknown },
  deps: DeletionPassDeps,
): Promise<void> {
  const { why, ...facts } = reason;
  const ageS = Math.round((deps.clock.now().getTime() - node.stateChangedAt.getTime()) / 1000);
  const tries = deps.retries.postpone(node.id);
  const message = `Deletion of node id: ${node.id} goes on later${why}`;
  const all = { provider: node.provider, ageS, ...facts };
  // What a peer does concerns all its nodes; a build concerns its own.
  if (reason.error === undefined) deps.log.warn(message, all);
  else {
    deps.complaints.failed(peersOf(node), message, all);
    if (isPowerOfTwo(tries)) await noteFailure(node, reason.error, deps);
  }
}

/** For the operator who wonders why the node is still there. Now and then: a cloud may be away for days. */
async function noteFailure(node: Node, error: unknown, { history, log }: DeletionPassDeps): Promise<void> {
  const why = `Its deletion in ${node.provider} goes on later: ${describeError(error)}`;
  const note = { subject: 'node', subjectId: node.id, event: 'waits', who: 'deleter', why } as const;
  await history.note(note).catch((trouble: unknown) => {
    log.debug(`Cannot note why node id: ${node.id} is still there`, { error: trouble });
  });
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}

function peersOf({ provider, target }: Node): string {
  return `${provider} ${target}`;
}
