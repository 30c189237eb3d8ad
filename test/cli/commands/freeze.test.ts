import { expect, test } from 'vitest';
import { aReadyNode } from '../../builders/a-node.ts';
import { anImage } from '../../builders/an-image.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

test('freeze stores who froze the farm and why, and says since when', async () => {
  const context = new FakeCommandContext();

  await runCommand(['freeze', '--reason', 'the cloud is sick'], context);

  expect(await context.farmFreeze.find()).toMatchObject({ who: 'cli:ada', why: 'the cloud is sick' });
  expect(context.told).toEqual(['The farm is frozen since 2026-01-01T00:00:00Z (cli:ada: the cloud is sick)']);
});

test('freezing again keeps the beginning and takes the new reason', async () => {
  const context = new FakeCommandContext();
  await runCommand(['freeze'], context);
  await context.clock.advance(60_000);

  await runCommand(['freeze', '--reason', 'still sick'], context);

  expect(await context.farmFreeze.find()).toMatchObject({ since: new Date('2026-01-01T00:00:00Z'), why: 'still sick' });
});

test('freezing again without a reason keeps the one that is there, and tells it', async () => {
  const context = new FakeCommandContext();
  await context.farmFreeze.freeze({ who: 'cli:bob', why: 'the cloud is sick' });

  await runCommand(['freeze'], context);

  expect(await context.farmFreeze.find()).toMatchObject({ who: 'cli:bob', why: 'the cloud is sick' });
  expect(context.told).toEqual(['The farm is frozen since 2026-01-01T00:00:00Z (cli:bob: the cloud is sick)']);
});

test.each([[['delete', '1', '--now']], [['image-delete', '1']], [['image-update', 'fake-provider', 'trusty']]])(
  '%j is refused while the farm is frozen, and changes nothing',
  async (words) => {
    const context = new FakeCommandContext();
    context.nodes.put(aReadyNode());
    context.images.put(anImage());
    await context.farmFreeze.freeze({ who: 'cli:bob', why: 'the cloud is sick' });

    await expect(runCommand(words, context)).rejects.toThrow(
      'The farm is frozen (the cloud is sick): run "nodepool thaw" first',
    );
    expect(context.nodes.all()).toMatchObject([{ state: 'ready' }]);
    expect(await context.images.list()).toMatchObject([{ state: 'ready' }]);
  },
);

test.each([[['list']], [['image-list']], [['info', 'fake-provider']], [['daemon-list']], [['delete', '1']]])(
  '%j tells of a freeze besides its table: who sees no node move should know why',
  async (words) => {
    const context = new FakeCommandContext();
    context.nodes.put(aReadyNode());
    const table = await runCommand(words, context);
    expect(context.told).toEqual([]);
    await context.farmFreeze.freeze({ who: 'cli:bob', why: 'the cloud is sick' });

    expect(await runCommand(words, context)).toBe(table);
    expect(context.told).toEqual(['The farm is frozen since 2026-01-01T00:00:00Z (cli:bob: the cloud is sick)']);
  },
);

test('thaw ends it, and says so where there was nothing to end', async () => {
  const context = new FakeCommandContext();
  await runCommand(['freeze'], context);

  await runCommand(['thaw'], context);
  await runCommand(['thaw'], context);

  expect(await context.farmFreeze.find()).toBeUndefined();
  expect(context.told.slice(1)).toEqual(['The farm is no longer frozen', 'The farm was not frozen']);
});
