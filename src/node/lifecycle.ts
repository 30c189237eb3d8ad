/** Node: the machine that runs one job, its life, and what keeps it. */

/** Every legal change of node state. What is not listed is ignored, so a late event cannot revive a node. */
export const NODE_LIFECYCLE = {
  building: {
    launched: 'ready',
    launchedForTest: 'test',
    smokeTested: 'delete',
    launchFailed: 'delete',
    held: 'hold',
    deleted: 'delete',
    overdue: 'delete',
  },
  test: { testPassed: 'ready', testFailed: 'delete', held: 'hold', deleted: 'delete', overdue: 'delete' },
  ready: { jobStarted: 'used', jobFinished: 'delete', lost: 'delete', held: 'hold', deleted: 'delete' },
  used: { jobFinished: 'delete', lost: 'delete', held: 'hold', deleted: 'delete', overdue: 'delete' },
  hold: { deleted: 'delete' }, // kept for a human, whatever its jobs do
  delete: {},
} as const;

export type NodeState = keyof typeof NODE_LIFECYCLE;
export type NodeEvent<S extends NodeState = NodeState> = S extends NodeState ? keyof (typeof NODE_LIFECYCLE)[S] : never;

export const NODE_STATES = Object.keys(NODE_LIFECYCLE) as readonly NodeState[];

/** The state `event` leads to, or undefined where it does not apply. */
export function nextNodeState(state: NodeState, event: NodeEvent): NodeState | undefined {
  const exits: Partial<Record<NodeEvent, NodeState>> = NODE_LIFECYCLE[state];
  return exits[event];
}
