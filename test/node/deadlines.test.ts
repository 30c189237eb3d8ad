import { expect, test } from 'vitest';
import { isOverdue } from '../../src/node/deadlines.ts';
import type { NodeState } from '../../src/node/lifecycle.ts';
import { aNode } from '../builders/a-node.ts';

const HOUR_MS = 3_600_000;
const since = new Date('2026-01-01T00:00:00Z');

function isOverdueAfter(state: NodeState, ms: number): boolean {
  return isOverdue(aNode({ state, stateChangedAt: since }), new Date(since.getTime() + ms));
}

test.each<[NodeState, number]>([
  ['building', 8 * HOUR_MS],
  ['used', 8 * HOUR_MS],
  ['test', HOUR_MS / 12],
  ['delete', 0],
])('a node may be in state %s for %i ms, and no longer (upstream: NODE_CLEANUP, TEST_CLEANUP)', (state, ms) => {
  expect([isOverdueAfter(state, ms), isOverdueAfter(state, ms + 1)]).toEqual([false, true]);
});

test.each<[NodeState]>([['ready'], ['hold']])('a node may be in state %s for ever', (state) => {
  expect(isOverdueAfter(state, 1000 * 24 * HOUR_MS)).toBe(false);
});

test('a clock that was set back makes nothing overdue', () => {
  expect(isOverdueAfter('used', -24 * HOUR_MS)).toBe(false);
});
