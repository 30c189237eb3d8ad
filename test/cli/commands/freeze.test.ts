import { expect, test } from 'vitest';
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

test('thaw ends it, and says so where there was nothing to end', async () => {
  const context = new FakeCommandContext();
  await runCommand(['freeze'], context);

  await runCommand(['thaw'], context);
  await runCommand(['thaw'], context);

  expect(await context.farmFreeze.find()).toBeUndefined();
  expect(context.told.slice(1)).toEqual(['The farm is no longer frozen', 'The farm was not frozen']);
});
