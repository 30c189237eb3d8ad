import type { Cause } from './cause.ts';
import type { NodeEvent, NodeState } from './lifecycle.ts';
import type { NewNode, Node, NodeFacts } from './node.ts';

export type NodeFilter = {
  readonly states?: readonly NodeState[];
  readonly provider?: string;
  readonly target?: string;
  /** Only those that `claim` would give. */
  readonly claimable?: boolean;
};

/** Number of equal rows: what allocation and gauges need, read by one grouped query. */
export type NodeCount = {
  readonly provider: string;
  readonly label: string;
  readonly target: string;
  readonly state: NodeState;
  /** Rows. */
  readonly count: number;
  /** They are launched for smoke tests of images. Absent: they are not. */
  readonly isSmokeTest?: boolean;
  /** Subnode rows of these nodes, in any state. */
  readonly subnodes: number;
};

/**
 * Keeps the nodes (adapter: src/db). All changes write their history in the same transaction. Each may throw
 * DaemonEndedError: another daemon goes on with our work.
 */
export interface NodeStore {
  find(id: number): Promise<Node | undefined>;
  findByNodename(nodename: string): Promise<Node | undefined>;
  /** Ordered by provider, label, id (upstream's `list`). */
  list(filter?: NodeFilter): Promise<readonly Node[]>;
  count(): Promise<readonly NodeCount[]>;
  /** Adds rows in state `building`, in one statement. */
  insert(nodes: readonly NewNode[], cause: Cause): Promise<readonly Node[]>;
  /**
   * Moves the node on by the lifecycle table, and stores `facts` with it.
   * Undefined: the event does not apply, or the row changed since `node` was read (compare-and-set on `version`).
   */
  apply(node: Node, event: NodeEvent, cause: Cause, facts?: NodeFacts): Promise<Node | undefined>;
  /**
   * Stores what became known about the node, whatever its state is now, and gives the row as it is after that: the
   * caller sees whether someone held or deleted it meanwhile. Undefined: the row is gone, or another daemon works on it.
   */
  record(id: number, facts: NodeFacts): Promise<Node | undefined>;
  /**
   * Makes this daemon the one that works on the node, and gives the row; its version stays. The claim ends with the daemon,
   * with the row, or with the change to `delete`, which claims it for the daemon that makes it.
   * Undefined: the row is gone, or another living daemon works on it. A program that is no daemon only reads.
   */
  claim(id: number): Promise<Node | undefined>;
  /** Removes the row. Call it last: the row is our only proof that the server was ours. */
  remove(node: Node, cause: Cause): Promise<void>;
}
