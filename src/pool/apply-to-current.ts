import type { Cause } from '../node/cause.ts';
import type { NodeEvent } from '../node/lifecycle.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node, NodeFacts } from '../node/node.ts';

const TRIES = 5;

/**
 * Applies an event to the node with that id, whatever else changes the row at the same time.
 * Undefined: the event does not apply (any more), or there is no such node.
 */
export async function applyToCurrent(
  change: { readonly id: number; readonly event: NodeEvent; readonly cause: Cause; readonly facts?: NodeFacts },
  nodes: NodeStore,
): Promise<Node | undefined> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const node = await nodes.find(change.id);
    if (node === undefined) return undefined;
    const changed = await nodes.apply(node, change.event, change.cause, change.facts);
    if (changed !== undefined) return changed;
    const now = await nodes.find(change.id);
    if (now?.version === node.version) return undefined; // nobody interfered: the lifecycle has no such exit
  }
  throw new Error(`Cannot apply "${change.event}" to node ${change.id}: the row changed ${TRIES} times meanwhile`);
}
