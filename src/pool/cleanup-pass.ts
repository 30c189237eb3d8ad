import { isOverdue } from '../node/deadlines.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';

export type CleanupDeps = {
  readonly nodes: NodeStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Longest stay in hold; 0: for ever (3.x: max-hold-age). */
  readonly maxHoldAgeMs: () => number;
};

/** Marks for deletion what has stayed too long in its state. The guard still keeps a node whose build runs. */
export async function runCleanupPass(deps: CleanupDeps): Promise<void> {
  const now = deps.clock.now();
  for (const node of await deps.nodes.list({ states: ['building', 'test', 'used', 'hold'] })) {
    if (isOverdue(node, now)) await reap(node, 'overdue', deps);
    else if (node.state === 'hold' && isHeldTooLong(node, now, deps.maxHoldAgeMs())) await reap(node, 'deleted', deps);
  }
}

function isHeldTooLong(node: Node, now: Date, maxHoldAgeMs: number): boolean {
  return maxHoldAgeMs > 0 && now.getTime() - node.stateChangedAt.getTime() > maxHoldAgeMs;
}

async function reap(node: Node, event: 'overdue' | 'deleted', deps: CleanupDeps): Promise<void> {
  const hours = ((deps.clock.now().getTime() - node.stateChangedAt.getTime()) / 3_600_000).toFixed(1);
  const cause = { who: 'cleanup', why: `It has been in state "${node.state}" for ${hours} h` };
  // A row that changed since it was listed is not overdue any more.
  if ((await deps.nodes.apply(node, event, cause)) === undefined) return;
  deps.log.warn(`Node id: ${node.id} is overdue and goes`, { state: node.state, hours });
}
