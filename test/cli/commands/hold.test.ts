import { expect, test } from 'vitest';
import { aNode, aReadyNode } from '../../builders/a-node.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

test.each(['building', 'test', 'ready', 'used'] as const)(
  'a node in state %s is held, and its row is printed as `list` does',
  async (state) => {
    const context = new FakeCommandContext();
    context.nodes.put(aNode({ state }));
    context.nodes.put(aNode({ id: 2 }));

    const table = await runCommand(['hold', '1', '--reason', 'tempest fails'], context);

    expect(context.nodes.all()[0]).toMatchObject({ state: 'hold', comment: 'tempest fails' });
    expect(table.split('\n')).toHaveLength(6);
    expect(table).toMatch(/^\| 1 .*\| hold +\| 00:00:00:00 \| tempest fails \|$/m);
  },
);

test('who held it and why is in its history', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode());

  await runCommand(['hold', '1', '--reason', 'tempest fails'], context);

  expect(context.history.all()).toMatchObject([
    { event: 'held', from: 'ready', to: 'hold', who: 'cli:ada', why: 'tempest fails' },
  ]);
});

test('without a reason an earlier comment stays', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode({ comment: 'before' }));

  await runCommand(['hold', '1'], context);

  expect(context.nodes.all()[0]).toMatchObject({ state: 'hold', comment: 'before' });
  expect(context.history.all()).toMatchObject([{ why: 'Held by an operator' }]);
});

test('holding a held node again changes its comment only', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode({ state: 'hold', comment: 'before' }));

  await runCommand(['hold', '1', '--reason', 'after'], context);

  expect(context.nodes.all()[0]).toMatchObject({
    state: 'hold',
    comment: 'after',
    stateChangedAt: aReadyNode().stateChangedAt,
  });
});

test('a node that changes between our look and our change is held all the same', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode());
  const { nodes } = context;
  const find = nodes.find.bind(nodes);
  nodes.find = async (id) => {
    const seen = await find(id);
    nodes.find = find;
    await nodes.record(id, { ip: '192.0.2.1' });
    return seen;
  };

  await runCommand(['hold', '1'], context);

  expect(nodes.all()[0]).toMatchObject({ state: 'hold', ip: '192.0.2.1' });
});

test('a node on its way out cannot be held', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aNode({ state: 'delete' }));

  await expect(runCommand(['hold', '1'], context)).rejects.toThrow('Cannot hold node 1: it is in state "delete"');
});

test.each([
  ['7', 'Node 7 not found.'],
  ['2147483647', 'Node 2147483647 not found.'],
  ['2147483648', 'Node "2147483648" not found.'],
  ['99999999999999999999', 'Node "99999999999999999999" not found.'],
  ['-1', 'Node "-1" not found.'],
  ['1.0', 'Node "1.0" not found.'],
  ['0x1', 'Node "0x1" not found.'],
  ['all', 'Node "all" not found.'],
])('%j names no node', async (id, message) => {
  const context = new FakeCommandContext();
  context.nodes.put(aNode());

  await expect(runCommand(['hold', id], context)).rejects.toThrow(message);
});
