import { describe, expect, test } from 'vitest';
import {
  nextNodeState,
  NODE_LIFECYCLE,
  NODE_STATES,
  type NodeEvent,
  type NodeState,
} from '../../src/node/lifecycle.ts';

const EVENTS: readonly NodeEvent[] = [
  ...(['launched', 'launchedForTest', 'smokeTested', 'launchFailed', 'testPassed', 'testFailed'] as const),
  ...(['jobStarted', 'jobFinished', 'lost', 'held', 'deleted', 'overdue'] as const),
];

/** What is allowed, written down a second time: a change of the table must be meant. */
const ALLOWED: Readonly<Record<NodeState, Partial<Record<NodeEvent, NodeState>>>> = {
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
  hold: { deleted: 'delete' },
  delete: {},
};

const CASES = NODE_STATES.flatMap((state) =>
  EVENTS.map((event) => ({ state, event, next: ALLOWED[state][event] ?? 'nothing' })),
);

describe('the lifecycle of a node', () => {
  test.each(CASES)('$state, $event: $next', ({ state, event, next }) => {
    expect(nextNodeState(state, event) ?? 'nothing').toBe(next);
  });

  test('has no state and no event but those', () => {
    expect([...NODE_STATES].sort()).toEqual(['building', 'delete', 'hold', 'ready', 'test', 'used']);
    const events = new Set(Object.values(NODE_LIFECYCLE).flatMap((exits) => Object.keys(exits)));
    expect([...events].sort()).toEqual([...EVENTS].sort());
  });

  test('ends in delete from every state, by an operator’s word', () => {
    for (const state of NODE_STATES) {
      expect(state === 'delete' ? 'delete' : nextNodeState(state, 'deleted')).toBe('delete');
    }
  });

  test('lets nothing revive what is marked for deletion', () => {
    expect(EVENTS.filter((event) => nextNodeState('delete', event) !== undefined)).toEqual([]);
  });

  test('lets only an operator end a hold', () => {
    expect(EVENTS.filter((event) => nextNodeState('hold', event) !== undefined)).toEqual(['deleted']);
  });

  test('leads to used only from ready: a node has one job', () => {
    const waysIn = NODE_STATES.filter((state) => EVENTS.some((event) => nextNodeState(state, event) === 'used'));

    expect(waysIn).toEqual(['ready']);
  });

  test('never leads back: each state is reached from earlier ones only', () => {
    const order: readonly NodeState[] = ['building', 'test', 'ready', 'used', 'hold', 'delete'];
    for (const [from, exits] of Object.entries(NODE_LIFECYCLE)) {
      for (const to of Object.values<NodeState>(exits)) {
        expect(order.indexOf(to)).toBeGreaterThan(order.findIndex((state) => state === from));
      }
    }
  });
});
