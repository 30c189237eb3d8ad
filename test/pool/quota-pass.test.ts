import { beforeEach, describe, expect, test } from 'vitest';
import type { Config, ProviderConfig } from '../../src/config/config.ts';
import { LaunchBreakers, imageKey, providerKey } from '../../src/pool/launch-breakers.ts';
import { QuotaBook } from '../../src/pool/quota-book.ts';
import { runQuotaPass } from '../../src/pool/quota-pass.ts';
import type { Server } from '../../src/provider/cloud-provider.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { PartedPass } from '../../src/runtime/parted-pass.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { aProvider, aProviderImage } from '../builders/a-config.ts';
import { configOf } from '../builders/config-of.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { aServer, FakeCloud } from '../fakes/fake-cloud.ts';
import { MemoryProviderStatusStore } from '../fakes/memory-provider-status-store.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { aBuildServer, aNodeServer } from './leaks/leak-bench.ts';
import { INSTALLATION } from './pool-bench.ts';

const clock = new FakeClock();
let log: RecordingLogger;
let clouds: Map<string, FakeCloud>;
let quotas: QuotaBook;
let breakers: LaunchBreakers;
let statuses: MemoryProviderStatusStore;
let writes: string[];
let changes: number;

beforeEach(() => {
  log = new RecordingLogger();
  clouds = new Map();
  quotas = new QuotaBook();
  breakers = new LaunchBreakers({ clock, randomness: new CountingRandomness() });
  statuses = new MemoryProviderStatusStore(clock);
  writes = [];
  changes = 0;
});

function cloudWith(servers: readonly Server[], maxInstances?: number, name = 'fake-provider'): FakeCloud {
  const cloud = new FakeCloud({ name, servers, ...(maxInstances !== undefined && { maxInstances }) });
  clouds.set(name, cloud);
  return cloud;
}

async function pass(facts: Partial<ProviderConfig> = {}): Promise<void> {
  const providers = [...clouds.keys()].map((name) => aProvider({ name, ...facts }));
  const config: Config = { ...configOf(), providers };
  const farm = { config, cloudOf: (name: string) => clouds.get(name), agentsOf: () => undefined };
  await runQuotaPass(
    {
      farm: () => farm,
      eachProvider: new PartedPass('Reading the quota of', { clock, log, tasks: new TaskBoard(clock) }),
      quotas,
      breakers,
      providerStatus: {
        find: (provider) => statuses.find(provider),
        save: (status) => {
          writes.push(`save ${status.provider}`);
          return statuses.save(status);
        },
        touch: (provider) => {
          writes.push(`touch ${provider}`);
          return statuses.touch(provider);
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

    expect(await statuses.find('fake-provider')).toMatchObject({
      provider: 'fake-provider',
      limits: { maxInstances: 5 },
      breakers: [{ what: 'image trusty', failures: 3, reason: 'No valid host' }],
      pauses: [{ what: '', failures: 0, reason: 'Quota exceeded' }],
      lastError: 'Nova is away',
    });
  });

  test('stores why a cloud cannot be read until it can be, so that nobody takes an old quota for a new one', async () => {
    const cloud = cloudWith([], 5);
    cloud.failNext('listServers', new TransientProviderError('Nova is tired', { cause: new Error('req-1') }));

    await pass();
    expect(await statuses.find('fake-provider')).toMatchObject({ lastError: 'Nova is tired: req-1' });

    await pass();
    expect((await statuses.find('fake-provider'))?.lastError).toBeUndefined();
  });

  test('leaves to our nodes what others do not use of cores and memory, and knows what a server of each image takes', async () => {
    const cloud = cloudWith([aNodeServer('node', 1), aServer('web'), aServer('db')]);
    cloud.quota.maxCores = 20;
    cloud.quota.used = { cores: 13, ramMib: 9 * 1024 };

    await pass({ images: [aProviderImage({ name: 'trusty', minRamMib: 4096 })] });

    expect(quotas.mostSize('fake-provider')).toEqual({ cores: 11 });
    expect(quotas.find('fake-provider')?.sizes).toEqual(new Map([['trusty', { cores: 4, ramMib: 4096 }]]));
    expect((await statuses.find('fake-provider'))?.sizes).toEqual({ trusty: { cores: 4, ramMib: 4096 } });
    expect(changes).toBe(1);
  });

  test('asks for no flavors where nothing bounds cores and memory, and for those of max-cores where the cloud has no bound', async () => {
    const cloud = cloudWith([]);

    await pass();
    expect(cloud.calls).not.toContain('sizeOf');
    await pass({ maxCores: 100 });

    expect(quotas.mostSize('fake-provider')).toEqual({});
    expect(quotas.find('fake-provider')?.sizes?.size).toBe(1);
  });

  test('leaves out an image for which there is no flavor', async () => {
    cloudWith([]);
    const images = [aProviderImage({ name: 'huge', minRamMib: 1_000_000 }), aProviderImage()];

    await pass({ maxRamMib: 8192, images });

    expect([...(quotas.find('fake-provider')?.sizes?.keys() ?? [])]).toEqual(['trusty']);
  });
});

describe('what is stored of a provider', () => {
  test('is not stored again while nothing changes: each time would wake allocation', async () => {
    cloudWith([], 5);
    for (let n = 0; n < 3; n += 1) breakers.failed(providerKey('fake-provider'), 'Nova is away');

    await pass();
    await clock.advance(1_000);
    await pass();
    await pass();

    expect(writes).toEqual(['save fake-provider']);
  });

  test('is said to hold still after five minutes, so that its age tells whether a daemon runs', async () => {
    cloudWith([], 5);
    await pass();

    for (let minutes = 0; minutes < 6; minutes += 1) {
      await clock.advance(60_000);
      await pass();
    }

    expect(writes).toEqual(['save fake-provider', 'touch fake-provider']);
    const stored = await statuses.find('fake-provider');
    expect(clock.now().getTime() - (stored?.changedAt.getTime() ?? 0)).toBe(60_000);
  });

  test('is stored when a quota, a use of it or a pause changes, also where another daemon stored it last', async () => {
    const cloud = cloudWith([], 5);
    await pass();
    cloud.maxInstances = 6;
    await pass();
    cloud.servers.add(aServer('web'));
    await pass();
    breakers.noRoom(providerKey('fake-provider'), 'Quota exceeded');
    await pass();
    await clock.advance(30_000);
    await pass();
    await statuses.save({ provider: 'fake-provider', breakers: [], pauses: [], lastError: "another daemon's" });

    await pass();

    expect(writes).toHaveLength(6);
    expect((await statuses.find('fake-provider'))?.limits).toMatchObject({ maxInstances: 6, usedInstances: 1 });
  });
});
