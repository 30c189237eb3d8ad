import { expect, test } from 'vitest';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

test('db stop stops the managed database, and says so also where none ran', async () => {
  const context = new FakeCommandContext();

  await runCommand(['db', 'stop'], context);
  await runCommand(['db', 'stop'], context);

  expect(context.told).toEqual(['The managed database is stopped', 'No managed database was running']);
  expect(context.openedStores).toBe(0);
});

test('any other action is refused', async () => {
  await expect(runCommand(['db', 'start'], new FakeCommandContext())).rejects.toThrow(
    'Unknown action "start" of "db": use "stop"',
  );
});
