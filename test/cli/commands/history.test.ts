import { expect, test } from 'vitest';
import { aReadyNode } from '../../builders/a-node.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

test('what happened to a node is told, also after it is gone', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode());
  await runCommand(['hold', '1', '--reason', 'for ada'], context);
  await context.clock.advance(3_600_000);
  await runCommand(['delete', '1', '--now'], context);

  const table = await runCommand(['history', '1'], context);

  expect(table).toBe(
    [
      '+---------------------+---------+--------+--------+---------+-----------------------------------+',
      '| Time (UTC)          | Event   | From   | To     | Who     | Why                               |',
      '+---------------------+---------+--------+--------+---------+-----------------------------------+',
      '| 2026-01-01 00:00:00 | held    | ready  | hold   | cli:ada | for ada                           |',
      '| 2026-01-01 01:00:00 | deleted | hold   | delete | cli:ada | Deleted by an operator            |',
      '| 2026-01-01 01:00:00 | removed | delete |        | deleter | Its agent and its server are gone |',
      '+---------------------+---------+--------+--------+---------+-----------------------------------+',
      '',
    ].join('\n'),
  );
});

test('the console of a failed launch stands below the table, with its control characters shown', async () => {
  const context = new FakeCommandContext();
  const note = { subject: 'node', subjectId: 1, who: 'launcher' } as const;
  await context.history.note({ ...note, event: 'console', why: 'booting\n\u001b[31mno network' });
  await context.history.note({ ...note, event: 'launchFailed', why: 'No login' });

  const told = await runCommand(['history', '1'], context);

  expect(told).toBe(
    [
      '+---------------------+--------------+------+----+----------+-------------------------------------------+',
      '| Time (UTC)          | Event        | From | To | Who      | Why                                       |',
      '+---------------------+--------------+------+----+----------+-------------------------------------------+',
      '| 2026-01-01 00:00:00 | console      |      |    | launcher | The 2 last lines of its console are below |',
      '| 2026-01-01 00:00:00 | launchFailed |      |    | launcher | No login                                  |',
      '+---------------------+--------------+------+----+----------+-------------------------------------------+',
      '',
      'Console at 2026-01-01 00:00:00 UTC:',
      'booting',
      String.raw`\x1b[31mno network`,
      '',
    ].join('\n'),
  );
});

test('--image tells an image’s, with the reason of a failed build', async () => {
  const context = new FakeCommandContext();
  const cause = { who: 'image-builder', why: 'The setup script prepare.sh ended with status 1: \u001b[31mE: no space' };
  const row = await context.images.insert({ provider: 'p', image: 'i', version: 1 }, cause);
  if (row !== undefined) await context.images.apply(row, 'failed', cause);

  const table = await runCommand(['history', '--image', '1'], context);

  expect(table).toContain(
    String.raw`| failed   | building | delete   | image-builder | The setup script prepare.sh ended with status 1: \x1b[31mE: no space |`,
  );
});

test.each([
  [['1'], 'There is no history of node 1'],
  [['--image', '1'], 'There is no history of image 1'],
  [['x'], 'There is no history of node "x"'],
  [['2147483648'], 'There is no history of node "2147483648"'],
])('an id that never was is an error: %j', async (words, message) => {
  await expect(runCommand(['history', ...words], new FakeCommandContext())).rejects.toThrow(message);
});
