import { expect, test } from 'vitest';
import { UsageError } from '../../../src/cli/command.ts';
import { aNode, aReadyNode } from '../../builders/a-node.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

test.each(['building', 'test', 'ready', 'used', 'hold'] as const)(
  'a node in state %s is marked for deletion, past the guard, and its row is printed',
  async (state) => {
    const context = new FakeCommandContext();
    context.nodes.put(aNode({ state }));

    const table = await runCommand(['delete', '1'], context);

    expect(context.nodes.all()).toMatchObject([{ state: 'delete', forced: true }]);
    expect(context.history.all()).toMatchObject([{ event: 'deleted', who: 'cli:ada', why: 'Deleted by an operator' }]);
    expect(table).toMatch(/^\| 1 .*\| delete \| 00:00:00:00 \| None +\|$/m);
  },
);

test('a deletion that waits for a build no longer waits once an operator asks for it', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aNode({ state: 'delete' }));

  await runCommand(['delete', '1'], context);

  expect(context.nodes.all()).toMatchObject([{ state: 'delete', forced: true }]);
});

test('--now returns when the node is gone, and prints nothing', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode());

  const printed = await runCommand(['delete', '1', '--now'], context);

  expect(printed).toBe('');
  expect(context.nodes.all()).toEqual([]);
});

test('--now that fails leaves the rest to the daemon', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode());
  context.refusal = new UsageError('Node 1 does not go');

  await expect(runCommand(['delete', '1', '--now'], context)).rejects.toThrow('Node 1 does not go');
  expect(context.nodes.all()).toMatchObject([{ state: 'delete', forced: true }]);
});

test.each(['7', '-1', '2147483648', 'x'])('%j names no node: nothing is deleted', async (id) => {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode());

  await expect(runCommand(['delete', id], context)).rejects.toThrow(/^Node .* not found[.]$/);
  expect(context.nodes.all()).toMatchObject([{ state: 'ready' }]);
});

test('--force drops the row of a node whose cloud refuses for ever, and says where the rest is', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aNode({ state: 'delete' }));

  await runCommand(['delete', '1', '--force'], context);

  expect(context.nodes.all()).toEqual([]);
  expect(context.history.all().at(-1)).toMatchObject({ event: 'removed', who: 'cli:ada' });
  expect(context.told[0]).toMatch(/^Node 1 is dropped; .* "alien-list"/);
});

test('--force is refused for a node that is not being deleted: Jenkins would give its agent more jobs', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode());

  await expect(runCommand(['delete', '1', '--force'], context)).rejects.toThrow(
    'Cannot drop node 1: it is in state "ready"; delete it first, and drop it if it does not go',
  );
  expect(context.nodes.all()).toHaveLength(1);
});
