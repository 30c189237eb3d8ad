import { expect, test } from 'vitest';
import { aNode, aReadyNode } from '../../builders/a-node.ts';
import { aSnapshotImage } from '../../builders/a-snapshot-image.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

const RULE =
  '+----+----------+------+----------+---------+---------+--------------------+--------------------+-----------+-----------+-------+-------------+---------+';

function rowsOf(table: string): readonly (readonly string[])[] {
  return table
    .split('\n')
    .slice(3, -2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test('the table is the one that scrapers of upstream know, byte for byte', async () => {
  const context = new FakeCommandContext();
  const name = 'centos-7-default-1';
  context.nodes.put({
    ...aReadyNode({ provider: 'default', label: 'centos-7', target: 'default', externalId: '1efc7468' }),
    ...{ hostname: name, nodename: name, ip: '192.0.2.7' },
  });
  await context.clock.advance(97_000);

  const table = await runCommand(['list'], context);

  expect(table).toBe(
    [
      RULE,
      '| ID | Provider | AZ   | Label    | Target  | Manager | Hostname           | NodeName           | Server ID | IP        | State | Age         | Comment |',
      RULE,
      '| 1  | default  | None | centos-7 | default | None    | centos-7-default-1 | centos-7-default-1 | 1efc7468  | 192.0.2.7 | ready | 00:00:01:37 | None    |',
      RULE,
      '',
    ].join('\n'),
  );
});

test('without nodes the table is a header alone', async () => {
  const table = await runCommand(['list'], new FakeCommandContext());

  expect(table).toBe(
    [
      '+----+----------+----+-------+--------+---------+----------+----------+-----------+----+-------+-----+---------+',
      '| ID | Provider | AZ | Label | Target | Manager | Hostname | NodeName | Server ID | IP | State | Age | Comment |',
      '+----+----------+----+-------+--------+---------+----------+----------+-----------+----+-------+-----+---------+',
      '+----+----------+----+-------+--------+---------+----------+----------+-----------+----+-------+-----+---------+',
      '',
    ].join('\n'),
  );
});

test('nodes are ordered by provider, label and id, ids as numbers', async () => {
  const context = new FakeCommandContext();
  for (const [id, provider, label] of [
    [10, 'a', 'x'],
    [9, 'a', 'x'],
    [1, 'b', 'x'],
    [3, 'a', 'y'],
  ] as const) {
    context.nodes.put(aNode({ id, provider, label }));
  }

  const rows = rowsOf(await runCommand(['list'], context));

  expect(rows.map(([id]) => id)).toEqual(['9', '10', '3', '1']);
});

test('a comment with newlines, escapes and wide letters keeps every line as wide as the rules', async () => {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode({ state: 'hold', comment: 'first\nsecond \u001b[31m' }));

  const table = await runCommand(['list'], context);

  expect(
    new Set(
      table
        .trimEnd()
        .split('\n')
        .map((line) => line.length),
    ).size,
  ).toBe(1);
  expect(table).not.toContain('\u001b');
  expect(rowsOf(table)).toHaveLength(2);
});

test('--detail adds columns behind the known ones, which stay where they are', async () => {
  const context = new FakeCommandContext();
  context.images.put(aSnapshotImage({ id: 7 }));
  context.nodes.put(aReadyNode({ ip: '2001:db8::1', privateIp: '10.0.0.1', imageId: 7, attempt: 'an-attempt' }));
  context.nodes.put(aNode({ id: 2, step: 'wait-ssh', ip: '192.0.2.7', imageId: 6 }));
  context.nodes.put(aNode({ id: 3 }));

  const plain = rowsOf(await runCommand(['list'], context));
  const detailed = await runCommand(['list', '--detail'], context);

  expect(detailed.split('\n')[1]).toMatch(
    /\| Comment \| Private IPv4 \| Public IPv6 \| Image +\| Step +\| Attempt +\| Subnodes \|$/,
  );
  const rows = rowsOf(detailed);
  expect(rows.map((row) => row.slice(0, 13))).toEqual(plain);
  expect(rows.map((row) => row.slice(13))).toEqual([
    ['10.0.0.1', '2001:db8::1', 'trusty (7)', 'None', 'an-attempt', '0'],
    ['None', 'None', '(6)', 'wait-ssh', 'None', '0'],
    ['None', 'None', 'None', 'None', 'None', '0'],
  ]);
});
