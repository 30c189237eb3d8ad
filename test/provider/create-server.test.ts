import { describe, expect, test } from 'vitest';
import { createServer, type ServerCreation } from '../../src/provider/create-server.ts';
import {
  CredentialsRefusedError,
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
} from '../../src/provider/errors.ts';
import { ownerMetadata } from '../../src/provider/owner-metadata.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { aServer, FakeCloud, type FakeCloudOptions } from '../fakes/fake-cloud.ts';
import { HastyClock } from '../fakes/hasty-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

const AWAY = new TransientProviderError('503');

function metadata(attempt: string): Record<string, string> {
  const owner = { kind: 'node', nodeId: 1, label: 'trusty', provider: 'wmf', image: 'trusty' } as const;
  return ownerMetadata({ ...owner, attempt, installation: 'installation-1' });
}

function aBench(options: FakeCloudOptions = {}, facts: Partial<ServerCreation> = {}) {
  const cloud = new FakeCloud(options);
  const clock = new HastyClock(1e9);
  const log = new RecordingLogger();
  const attempts: string[] = [];
  const creation: ServerCreation = {
    spec: { name: 'trusty-1', imageId: 'image-1', minRamMib: 1024 },
    metadata,
    storeAttempt: (attempt) => Promise.resolve(void attempts.push(attempt)),
    retries: 3,
    ...facts,
  };
  const create = () =>
    createServer(creation, { cloud, clock, log, randomness: new CountingRandomness() }, neverAborted);
  const creates = (): number => cloud.calls.filter((call) => call === 'createServer').length;
  return { cloud, clock, log, attempts, create, creates };
}

describe('createServer', () => {
  test('stores the attempt id before the call that bears it', async () => {
    const { cloud, attempts, create } = aBench();

    const created = await create();

    expect(created.id).toBe('server-1');
    expect(attempts).toHaveLength(1);
    expect(cloud.servers.peekAll()[0]?.metadata).toEqual(metadata(attempts[0] ?? ''));
  });

  test('sends nothing when the attempt id cannot be stored: nobody could find the server', async () => {
    const { create, creates } = aBench({}, { storeAttempt: () => Promise.reject(new Error('The row is gone')) });

    await expect(create()).rejects.toThrow('The row is gone');
    expect(creates()).toBe(0);
  });

  test('tries again what failed in passing, each time under an id of its own, with growing pauses', async () => {
    const { cloud, clock, log, attempts, create } = aBench();
    cloud.failNext('createServer', AWAY, 3);

    await create();

    expect(clock.slept).toEqual([500, 1000, 2000]);
    expect(new Set(attempts).size).toBe(4);
    expect(log.messages('info')).toHaveLength(3);
    expect(cloud.servers.size).toBe(1);
  });

  test('gives up after launch-retries', async () => {
    const { cloud, create, creates } = aBench({}, { retries: 1 });
    cloud.failNext('createServer', AWAY, 9);

    await expect(create()).rejects.toBe(AWAY);
    expect(creates()).toBe(2);
  });

  test.each([
    [7_000, 7_000],
    [3_600_000, 120_000],
  ])('waits as long as the cloud asks for, %i ms, but not for hours', async (retryAfterMs, sleptMs) => {
    const { cloud, clock, create } = aBench();
    cloud.failNext('createServer', new TransientProviderError('429', { retryAfterMs }));

    await create();

    expect(clock.slept).toEqual([sleptMs]);
  });

  test.each([
    new QuotaExceededError('wmf', 'Quota exceeded'),
    new RequestRefusedError('No such flavor'),
    new CredentialsRefusedError('401'),
  ])('does not repeat what will fail again: $name', async (error) => {
    const { cloud, create, creates } = aBench();
    cloud.failNext('createServer', error);

    await expect(create()).rejects.toBe(error);
    expect(creates()).toBe(1);
  });
});

describe('a create call with unknown outcome', () => {
  test('is looked up first: a server that was made is taken, and no other asked for', async () => {
    const { cloud, create, creates } = aBench();
    cloud.loseNextAnswer('createServer');

    expect(await create()).toEqual({ id: 'server-1' });
    expect(creates()).toBe(1);
  });

  test('is sent again, under a new id, when three lists in a row lack the server', async () => {
    const { cloud, attempts, create } = aBench();
    cloud.loseNextAnswer('createServer');
    cloud.nextServerList = () => Promise.resolve([]);

    await create();

    expect(new Set(attempts).size).toBe(2);
  });

  test('is not sent again while the cloud does not say whether the server is there', async () => {
    const { cloud, create, creates } = aBench();
    cloud.loseNextAnswer('createServer');
    cloud.failNext('nextServerList', AWAY, 100);

    await expect(create()).rejects.toBe(AWAY);
    expect(creates()).toBe(1);
  });

  test('of an earlier process is looked up before anything is sent', async () => {
    const server = aServer('server-9', { metadata: metadata('earlier') });
    const { create, creates } = aBench({ servers: [server] }, { earlierAttempt: 'earlier' });

    expect(await create()).toEqual({ id: 'server-9' });
    expect(creates()).toBe(0);
  });

  test('is not mistaken for that of another node', async () => {
    const server = aServer('server-9', { metadata: metadata('other') });
    const { create, creates } = aBench({ servers: [server] }, { earlierAttempt: 'earlier' });

    expect((await create()).id).toBe('server-1');
    expect(creates()).toBe(1);
  });
});
