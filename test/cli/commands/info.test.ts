import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/cli/command.ts';
import { aProvider } from '../../builders/a-config.ts';
import { aReadyNode } from '../../builders/a-node.ts';
import { anImage } from '../../builders/an-image.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

const PROVIDER = 'fake-provider';

function aContext(): FakeCommandContext {
  const context = new FakeCommandContext();
  context.nodes.put(aReadyNode({ id: 1, provider: PROVIDER, externalId: 'server-1' }));
  context.images.put(anImage({ id: 4, provider: PROVIDER, image: 'trusty' }));
  context.images.put(anImage({ id: 7, provider: PROVIDER, image: 'trusty' }));
  return context;
}

describe('info', () => {
  test("shows the provider's images and nodes as upstream did, then its quota and what pauses there", async () => {
    const context = aContext();
    const now = context.clock.now().getTime();
    await context.providerStatus.save({
      provider: PROVIDER,
      breakers: [
        {
          what: 'image trusty',
          since: new Date(now - 60_000),
          until: new Date(now + 30_000),
          failures: 3,
          reason: 'No valid host was found',
        },
        { what: '', since: new Date(now - 60_000), until: new Date(now), failures: 3, reason: 'over by now' },
      ],
      pauses: [],
      limits: { maxInstances: 12, usedInstances: 9, usedCores: 9, usedRamMib: 9216 },
    });

    expect(await runCommand(['info', PROVIDER], context)).toBe(`Image builds:
+------------+-----------+
| Image Name | Build IDs |
+------------+-----------+
| trusty     | 4,7       |
+------------+-----------+

Nodes:
+----+-----------+
| ID | Server ID |
+----+-----------+
| 1  | server-1  |
+----+-----------+

Quota (read 00:00:00:00 ago):
+-----------+------+-------+
| Resource  | Used | Limit |
+-----------+------+-------+
| instances | 9    | 12    |
| cores     | 9    | none  |
| RAM (MiB) | 9216 | none  |
+-----------+------+-------+

Limits in nodepool.yaml:
+-----------+---------+-------+
| Resource  | Used    | Limit |
+-----------+---------+-------+
| servers   | 1       | 4     |
| cores     | unknown | none  |
| RAM (MiB) | unknown | none  |
+-----------+---------+-------+

Pauses:
+--------------+-------------+-------------+----------+-------------------------+
| What         | For         | Still       | Failures | Reason                  |
+--------------+-------------+-------------+----------+-------------------------+
| image trusty | 00:00:01:00 | 00:00:00:30 | 3        | No valid host was found |
+--------------+-------------+-------------+----------+-------------------------+
`);
  });

  test("shows what our nodes take of the provider's max-cores and max-ram", async () => {
    const context = aContext();
    context.nodes.put(aReadyNode({ id: 2, provider: PROVIDER, externalId: 'server-2' }));
    const [provider = aProvider()] = context.configuration.providers;
    context.configuration = { ...context.configuration, providers: [{ ...provider, maxCores: 40, maxRamMib: 65_536 }] };
    const sizes = { trusty: { cores: 8, ramMib: 8192 } };
    await context.providerStatus.save({ provider: PROVIDER, breakers: [], pauses: [], sizes });

    expect(await runCommand(['info', PROVIDER], context)).toContain(`Limits in nodepool.yaml:
+-----------+-------+-------+
| Resource  | Used  | Limit |
+-----------+-------+-------+
| servers   | 2     | 4     |
| cores     | 16    | 40    |
| RAM (MiB) | 16384 | 65536 |
+-----------+-------+-------+
`);
  });

  test('says why the quota cannot be read now, beside the one last seen', async () => {
    const context = aContext();
    const limits = { maxInstances: 12, usedInstances: 9, usedCores: 9, usedRamMib: 9216 };
    const lastError = 'ServerList in "fake-provider" got status 503 (req-1): Nova is tired';
    await context.providerStatus.save({ provider: PROVIDER, breakers: [], pauses: [], limits, lastError });

    expect(await runCommand(['info', PROVIDER], context)).toContain(`Quota (cannot be read now: ${lastError}):
+-----------+------+-------+
| Resource  | Used | Limit |
+-----------+------+-------+
| instances | 9    | 12    |
`);
  });

  test('tells of a provider that left the configuration and still has rows', async () => {
    const context = aContext();
    context.nodes.put(aReadyNode({ id: 2, provider: 'gone', externalId: 'server-2' }));

    expect(await runCommand(['info', 'gone'], context)).toContain('| 2  | server-2  |');
  });

  test('refuses a provider that nobody knows', async () => {
    await expect(runCommand(['info', 'nowhere'], aContext())).rejects.toThrow(
      new UsageError('Provider "nowhere" does not exist'),
    );
  });
});

describe('erase', () => {
  /** The provider has left the configuration. */
  function without(): FakeCommandContext {
    const context = aContext();
    context.configuration = { ...context.configuration, providers: [] };
    return context;
  }

  test('drops the rows of a provider once the operator says yes, and only its', async () => {
    const context = without();
    context.nodes.put(aReadyNode({ id: 2, provider: 'other' }));
    context.answer = 'y';

    await runCommand(['erase', PROVIDER], context);

    expect(context.nodes.all()).toMatchObject([{ id: 2, provider: 'other' }]);
    expect(context.images.all()).toEqual([]);
    expect(context.told).toEqual([
      'WARNING! This action is not reversible!',
      'Drop 1 nodes and 2 images of fake-provider? (y/N) ',
      'Erasing build data for fake-provider...',
      'Erasing node data for fake-provider...',
    ]);
    expect(context.history.all()).toContainEqual(
      expect.objectContaining({ event: 'removed', who: 'cli:ada', why: 'Provider fake-provider was erased' }),
    );
  });

  test.each(['', 'n', 'yes please'])('drops nothing when the operator answers %j', async (answer) => {
    const context = without();
    context.answer = answer;

    await expect(runCommand(['erase', PROVIDER], context)).rejects.toThrow('Aborting. No data erased.');

    expect(context.nodes.all()).toHaveLength(1);
  });

  test('--force does not ask', async () => {
    const context = without();

    await runCommand(['erase', PROVIDER, '--force'], context);

    expect(context.nodes.all()).toEqual([]);
    expect(context.told).not.toContain('WARNING! This action is not reversible!');
  });

  test('refuses a provider that is still configured: its next nodes would be launched while its rows go', async () => {
    const context = aContext();

    await expect(runCommand(['erase', PROVIDER, '--force'], context)).rejects.toThrow(
      'Provider fake-provider is configured: take it out of the configuration first',
    );
    expect(context.nodes.all()).toHaveLength(1);
  });

  test('refuses one without rows, and a frozen farm', async () => {
    const context = without();
    await expect(runCommand(['erase', 'nowhere'], context)).rejects.toThrow('Provider "nowhere" has no rows');

    await context.farmFreeze.freeze({ who: 'ada', why: 'a test' });
    await expect(runCommand(['erase', PROVIDER, '--force'], context)).rejects.toBeInstanceOf(UsageError);
    expect(context.nodes.all()).toHaveLength(1);
  });
});
