import { expect, test } from 'vitest';
import { aSnapshotImage } from '../../builders/a-snapshot-image.ts';
import { anImage } from '../../builders/an-image.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

const RULE =
  '+----+----------+----------+------------------------------+------------+----------+-----------+----------+-------------+';

test('the table is the one that scrapers of upstream know, byte for byte', async () => {
  const context = new FakeCommandContext();
  context.images.put(
    aSnapshotImage({
      ...{ provider: 'default', image: 'centos-7', state: 'building', version: 1490703207 },
      ...{ hostname: 'template-centos-7-1490703207', serverExternalId: '5ac10d77' },
    }),
  );
  await context.clock.advance(43_000);

  const table = await runCommand(['image-list'], context);

  expect(table).toBe(
    [
      RULE,
      '| ID | Provider | Image    | Hostname                     | Version    | Image ID | Server ID | State    | Age         |',
      RULE,
      '| 1  | default  | centos-7 | template-centos-7-1490703207 | 1490703207 | None     | 5ac10d77  | building | 00:00:00:43 |',
      RULE,
      '',
    ].join('\n'),
  );
});

test('images are ordered by provider, image and id', async () => {
  const context = new FakeCommandContext();
  for (const [id, provider, image] of [
    [10, 'a', 'x'],
    [9, 'a', 'x'],
    [1, 'b', 'x'],
    [3, 'a', 'y'],
  ] as const) {
    context.images.put(aSnapshotImage({ id, provider, image }));
  }

  const table = await runCommand(['image-list'], context);

  expect([...table.matchAll(/^\| (\d+)/gm)].map(([, id]) => id)).toEqual(['9', '10', '3', '1']);
});

test('a failed build beside a ready image says that this one serves, since nothing is tried before the next update', async () => {
  const context = new FakeCommandContext();
  context.images.put(anImage());
  const failedAt = context.clock.now();
  const failure = { provider: 'fake-provider', image: 'trusty', failures: 1, failedAt, retryAt: failedAt };
  await context.images.saveFailure({ ...failure, lastError: 'The setup script ended with status 1' });

  await runCommand(['image-list'], context);

  expect(context.told).toEqual([
    'Image trusty on fake-provider failed once, the one before it serves until the next update: The setup script ended with status 1',
  ]);
});

test('failed builds are told beside the table: how often, why, and when the next try comes', async () => {
  const context = new FakeCommandContext();
  const failedAt = context.clock.now();
  const failure = { provider: 'cloud-1', failedAt, lastError: 'The setup script ended with status 1: no\u0007 space' };
  const soon = new Date(failedAt.getTime() + 30_000);
  await context.images.saveFailure({ ...failure, image: 'trusty', failures: 1, retryAt: soon });
  await context.images.saveFailure({ ...failure, image: 'xenial', failures: 3, retryAt: failedAt });

  const table = await runCommand(['image-list'], context);

  expect(table.split('\n')).toHaveLength(5);
  expect(context.told).toEqual([
    expect.stringMatching(/^Image trusty on cloud-1 failed once, tried again at 2026-01-01T00:00:30Z: The setup/),
    expect.stringMatching(/^Image xenial on cloud-1 failed 3 times in a row, tried again now: The setup/),
  ]);
});
