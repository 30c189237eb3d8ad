import type { Cause } from '../node/cause.ts';
import type { NodeEvent } from '../node/lifecycle.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node, NodeFacts } from '../node/node.ts';

const TRIES = 5;

/** An event for a node, whatever state it is in now. */
export type NodeChange = {
  /** The row as it was read last. */
  readonly node: Node;
  readonly event: NodeEvent;
  readonly cause: Cause;
  readonly facts?: NodeFacts;
};

/**
 * Applies an event, reading the row again where something else changed it meanwhile.
 * Undefined: the event does not apply (any more), or the row is gone.
 */
export async function applyToCurrent(change: NodeChange, nodes: NodeStore): Promise<Node | undefined> {
  let node: Node | undefined = change.node;
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const changed = await nodes.apply(node, change.event, change.cause, change.facts);
    if (changed !== undefined) return changed;
    const now = await nodes.find(node.id);
    if (now === undefined || now.version === node.version) return undefined; // nobody interfered: there is no such exit
    node = now;
  }
  throw new Error(`Cannot apply "${change.event}" to node ${change.node.id}: it changed ${TRIES} times meanwhile`);
}
