import { expect, test } from 'vitest';
import { applyToCurrent } from '../../src/pool/apply-to-current.ts';
import { aReadyNode } from '../builders/a-node.ts';
import { MemoryNodeStore } from '../fakes/memory-node-store.ts';
import { Life } from './life.ts';

const CAUSE = { who: 'zmq', why: 'test' };

/** A store of one ready node, of which something else changes the row before each of the first `times` changes. */
function storeWithRaces(times: number): { readonly nodes: MemoryNodeStore; readonly raced: MemoryNodeStore } {
  const nodes = new MemoryNodeStore([aReadyNode()]);
  const life = new Life();
  let left = times;
  life.beforeCall = async (_count, name) => {
    if (name !== 'apply' || left === 0) return;
    left -= 1;
    await nodes.record(1, { comment: `change ${left}` });
  };
  return { nodes, raced: life.wrap(nodes) };
}

test.each([0, 1, 4])('applies the event although the row changed %i times meanwhile', async (times) => {
  const { raced } = storeWithRaces(times);

  const used = await applyToCurrent({ node: aReadyNode(), event: 'jobStarted', cause: CAUSE }, raced);

  expect(used?.state).toBe('used');
});

test('gives up loudly where the row changes for ever: it must not spin', async () => {
  const { raced } = storeWithRaces(100);

  await expect(applyToCurrent({ node: aReadyNode(), event: 'jobStarted', cause: CAUSE }, raced)).rejects.toThrow(
    'Cannot apply "jobStarted" to node 1: it changed 5 times meanwhile',
  );
});

test('asks the table anew: what was held meanwhile is not used', async () => {
  const { nodes } = storeWithRaces(0);
  const before = aReadyNode();
  await nodes.apply(before, 'held', CAUSE);

  expect(await applyToCurrent({ node: before, event: 'jobStarted', cause: CAUSE }, nodes)).toBeUndefined();
  expect(nodes.all()[0]?.state).toBe('hold');
});

test('gives nothing for an event that does not apply, and for a row that is gone', async () => {
  const { nodes } = storeWithRaces(0);

  expect(await applyToCurrent({ node: aReadyNode(), event: 'testPassed', cause: CAUSE }, nodes)).toBeUndefined();
  await nodes.remove(aReadyNode(), CAUSE);
  expect(await applyToCurrent({ node: aReadyNode(), event: 'jobStarted', cause: CAUSE }, nodes)).toBeUndefined();
});

test('stores facts together with the change', async () => {
  const { nodes } = storeWithRaces(0);
  const deleteAfter = new Date('2026-01-01T00:01:00Z');

  await applyToCurrent({ node: aReadyNode(), event: 'jobFinished', cause: CAUSE, facts: { deleteAfter } }, nodes);

  expect(nodes.all()).toMatchObject([{ state: 'delete', deleteAfter }]);
});
