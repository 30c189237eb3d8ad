import { beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { LaunchBreakers, imageKey, providerKey } from '../../src/pool/launch-breakers.ts';
import { QuotaBook } from '../../src/pool/quota-book.ts';
import { runQuotaPass } from '../../src/pool/quota-pass.ts';
import type { Server } from '../../src/provider/cloud-provider.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import type { ProviderStatus } from '../../src/provider/provider-status.ts';
import { PartedPass } from '../../src/runtime/parted-pass.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { aProvider } from '../builders/a-config.ts';
import { configOf } from '../builders/config-of.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { aServer, FakeCloud } from '../fakes/fake-cloud.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { aBuildServer, aNodeServer } from './leaks/leak-bench.ts';
import { INSTALLATION } from './pool-bench.ts';

const clock = new FakeClock();
let log: RecordingLogger;
let clouds: Map<string, FakeCloud>;
let quotas: QuotaBook;
let breakers: LaunchBreakers;
let saved: Map<string, Omit<ProviderStatus, 'changedAt'>>;
let changes: number;

beforeEach(() => {
  log = new RecordingLogger();
  clouds = new Map();
  quotas = new QuotaBook();
  breakers = new LaunchBreakers({ clock, randomness: new CountingRandomness() });
  saved = new Map();
  changes = 0;
});

function cloudWith(servers: readonly Server[], maxInstances?: number, name = 'fake-provider'): FakeCloud {
  const cloud = new FakeCloud({ name, servers, ...(maxInstances !== undefined && { maxInstances }) });
  clouds.set(name, cloud);
  return cloud;
}

async function pass(): Promise<void> {
  const providers = [...clouds.keys()].map((name) => aProvider({ name }));
  const config: Config = { ...configOf(), providers };
  const farm = { config, cloudOf: (name: string) => clouds.get(name), agentsOf: () => undefined };
  await runQuotaPass(
    {
      farm: () => farm,
      eachProvider: new PartedPass('Reading the quota of', { clock, log, tasks: new TaskBoard(clock) }),
      quotas,
      breakers,
      providerStatus: {
        save: (status) => {
          saved.set(status.provider, status);
          return Promise.resolve();
        },
      },
      installationId: INSTALLATION,
      clock,
      log,
      onRoomChanged: () => {
        changes += 1;
      },
    },
    neverAborted,
  );
}

describe('the quota pass', () => {
  test("leaves out what others have in the project: people's servers, image builds, another Nodepool's nodes", async () => {
    const anothers = { ...aNodeServer('another', 9), metadata: { ...aNodeServer('another', 9).metadata } };
    anothers.metadata['nodepool_installation'] = '22222222-2222-4222-8222-222222222222';
    cloudWith([aNodeServer('node', 1), aServer('web'), aBuildServer('build', 4), anothers], 12);

    await pass();

    expect(quotas.mostNodes('fake-provider')).toBe(9);
  });

  test('knows no bound where the cloud has none', async () => {
    cloudWith([aServer('web')]);

    await pass();

    expect(quotas.mostNodes('fake-provider')).toBeUndefined();
    expect(changes).toBe(0);
  });

  test('tells when the room changes, and says so once where it is less than max-servers', async () => {
    const cloud = cloudWith([aServer('web')], 5);

    await pass();
    await pass();
    expect(changes).toBe(1);
    cloud.maxInstances = 6;
    await pass();

    expect(changes).toBe(2);
    expect(log.messages('info')).toEqual([
      "The quota of fake-provider leaves 4 of its 10 servers: 5 instances, of which 1 are others'",
      "The quota of fake-provider leaves 5 of its 10 servers: 6 instances, of which 1 are others'",
    ]);
  });

  test('keeps what it knew of a cloud that does not answer, and reads the others', async () => {
    const cloud = cloudWith([], 5);
    cloudWith([], 7, 'other');
    await pass();

    cloud.failNext('readLimits', new TransientProviderError('Nova is away'));
    await pass();

    expect([quotas.mostNodes('fake-provider'), quotas.mostNodes('other')]).toEqual([5, 7]);
  });

  test('stores the quota and what pauses, for the command line, also while the cloud does not answer', async () => {
    const cloud = cloudWith([], 5);
    await pass();
    cloud.failNext('readLimits', new TransientProviderError('Nova is away'));
    for (let failures = 0; failures < 3; failures += 1)
      breakers.failed(imageKey('fake-provider', 'trusty'), 'No valid host');
    breakers.noRoom(providerKey('fake-provider'), 'Quota exceeded');
    breakers.noRoom(providerKey('other'), 'Not of this provider');

    await pass();

    expect(saved.get('fake-provider')).toMatchObject({
      provider: 'fake-provider',
      limits: { maxInstances: 5 },
      breakers: [{ what: 'image trusty', failures: 3, reason: 'No valid host' }],
      pauses: [{ what: '', failures: 0, reason: 'Quota exceeded' }],
    });
  });
});
