import type { NodeState } from './lifecycle.ts';
import type { Node } from './node.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Longest stay in each state before cleanup deletes the node (upstream: NODE_CLEANUP, TEST_CLEANUP). */
const MAX_STAY_MS: Readonly<Record<NodeState, number>> = {
  building: 8 * HOUR_MS,
  test: 5 * MINUTE_MS,
  ready: Infinity,
  used: 8 * HOUR_MS,
  hold: Infinity, // until an operator deletes it
  delete: 0, // tried again on every pass
};

/** Whether the node has been in its state for longer than it may. */
export function isOverdue(node: Node, now: Date): boolean {
  return now.getTime() - node.stateChangedAt.getTime() > MAX_STAY_MS[node.state];
}
