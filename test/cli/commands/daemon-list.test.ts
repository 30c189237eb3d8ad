import { expect, test } from 'vitest';
import type { KnownDaemon } from '../../../src/node/daemon-store.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

function aDaemon(facts: Partial<KnownDaemon>): KnownDaemon {
  return {
    ...{ id: 'a', number: 3, host: 'nodepool1', pid: 812, version: '1.2.3' },
    ...{ roles: ['launches', 'deletes', 'images'], leads: ['allocation', 'images'] },
    ...{ startedAt: new Date('2026-03-01T10:00:00.5Z'), seenAt: new Date('2026-03-01T12:00:00Z'), silentMs: 1_400 },
    ...facts,
  };
}

const ENDED = aDaemon({
  ...{ id: 'b', number: 2, leads: [], silentMs: 7_200_000 },
  endedAt: new Date('2026-03-01T09:59:58Z'),
  endedWhy: 'its process is gone',
});
const STANDBY = aDaemon({ id: 'c', number: 4, host: 'nodepool2', roles: ['launches'], leads: [], silentMs: -30 });

test('lists the daemons that live: where, since when, last heard of when, and who leads what', async () => {
  const context = new FakeCommandContext();
  context.daemons = [ENDED, aDaemon({}), STANDBY];

  const table = await runCommand(['daemon-list'], context);

  expect(table.split('\n')).toEqual([
    expect.stringMatching(/^\+-+/),
    '| Daemon | Host      | PID | Version | Started (UTC)       | Heard of | Does                      | Leads              |',
    expect.stringMatching(/^\+-+/),
    '| 3      | nodepool1 | 812 | 1.2.3   | 2026-03-01 10:00:00 | 1 s ago  | launches, deletes, images | allocation, images |',
    '| 4      | nodepool2 | 812 | 1.2.3   | 2026-03-01 10:00:00 | 0 s ago  | launches                  | -                  |',
    expect.stringMatching(/^\+-+/),
    '',
  ]);
});

test('--all shows those that ended too, and why', async () => {
  const context = new FakeCommandContext();
  context.daemons = [ENDED, STANDBY];

  const table = await runCommand(['daemon-list', '--all'], context);

  expect(table).toMatch(/\| 2 .* \| 2026-03-01 09:59:58: its process is gone \|/);
  expect(table).toMatch(/\| 4 .* \| - +\|/);
});
