import { describe, expect, test } from 'vitest';
import { awaitActive, awaitGone } from '../../src/provider/await-server.ts';
import type { Server } from '../../src/provider/cloud-provider.ts';
import { CredentialsRefusedError, ServerFailedError, TransientProviderError } from '../../src/provider/errors.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { aServer, FakeCloud, type FakeCloudOptions } from '../fakes/fake-cloud.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { passTime } from '../pool/pass-time.ts';

const AWAY = new TransientProviderError('503');
const SPEC = { name: 'trusty-1', imageId: 'image-1', minRamMib: 1024, metadata: {} };

async function aBench(options: FakeCloudOptions = {}) {
  const clock = new FakeClock();
  const cloud = new FakeCloud({ clock, ...options });
  const { id } = await cloud.createServer(SPEC, neverAborted);
  const active = (ms = 60_000) => awaitActive({ id, ms }, { cloud, clock }, neverAborted);
  const gone = (ms = 60_000) => awaitGone({ id, ms }, { cloud, clock }, neverAborted);
  return { clock, cloud, id, active, gone };
}

describe('awaitActive', () => {
  test('gives the server once it is ACTIVE, with its addresses', async () => {
    const { clock, active } = await aBench({ bootTakesPolls: 5 });
    const waited = active();

    await passTime(clock, 3_000);

    expect(await waited).toMatchObject({ id: 'server-1', status: 'ACTIVE', addresses: [{ ip: '10.0.0.1' }] });
  });

  test('tells the fault of a server in ERROR', async () => {
    const { clock, cloud } = await aBench();
    cloud.failNextBoot('No valid host was found.');
    const { id } = await cloud.createServer(SPEC, neverAborted);
    const failed = expect(awaitActive({ id, ms: 60_000 }, { cloud, clock }, neverAborted)).rejects.toThrow(
      'Server server-2 is in ERROR: No valid host was found.',
    );

    await passTime(clock, 3_000);

    await failed;
  });

  test('tells a server that found no room from one that failed: nobody is to blame', async () => {
    const { clock, cloud } = await aBench();
    cloud.failNextBoot('Quota exceeded for instances: Requested 1, but already used 9 of 9 instances');
    const { id } = await cloud.createServer(SPEC, neverAborted);
    const failed = expect(awaitActive({ id, ms: 60_000 }, { cloud, clock }, neverAborted)).rejects.toMatchObject({
      name: 'QuotaExceededError',
      provider: 'fake-provider',
      message:
        'Server server-2 is in ERROR: Quota exceeded for instances: Requested 1, but already used 9 of 9 instances',
    });

    await passTime(clock, 3_000);

    await failed;
  });

  test('asks again why a server is in ERROR, which Nova may show a moment later, but not for ever', async () => {
    const { clock, cloud, active } = await aBench({ bootTakesPolls: Infinity });
    const begunMs = clock.monotonicMs();
    const lists: Partial<Server>[] = [{}, { fault: 'Quota exceeded', isOverQuota: true }];
    cloud.nextServerList = () => Promise.resolve([aServer('server-1', { status: 'ERROR', ...(lists.shift() ?? {}) })]);

    await expect(active()).rejects.toMatchObject({ name: 'QuotaExceededError' });
    await expect(active()).rejects.toThrow('Server server-1 is in ERROR: the cloud says no reason');
    expect(clock.monotonicMs()).toBe(begunMs);
  });

  test('believes only the server’s own answer that it is gone', async () => {
    const { clock, cloud, active } = await aBench();
    cloud.nextServerList = async (signal) => {
      await clock.sleep(300, signal);
      return [];
    };
    const waited = active();
    await passTime(clock, 900);
    expect(await waited).toMatchObject({ status: 'ACTIVE' });

    cloud.servers.remove('server-1');
    const failed = expect(active()).rejects.toThrow(ServerFailedError);
    await passTime(clock, 900);

    await failed;
  });

  test('waits on through failures that may pass', async () => {
    const { clock, cloud, active } = await aBench();
    cloud.failNext('nextServerList', AWAY, 5);
    const waited = active();

    await passTime(clock, 12_000);

    expect(await waited).toMatchObject({ status: 'ACTIVE' });
  });

  test('tells with the deadline why the last look failed', async () => {
    const { clock, cloud, active } = await aBench();
    cloud.failNext('nextServerList', AWAY, 100);
    const failure = active().catch((error: unknown) => error);

    await passTime(clock, 61_000, 1_000);

    expect(await failure).toMatchObject({
      message: 'Timeout waiting for server server-1 to become ACTIVE (60 s)',
      cause: AWAY,
    });
  });

  test('gives up at once where waiting mends nothing', async () => {
    const { cloud, active } = await aBench();
    cloud.failNext('nextServerList', new CredentialsRefusedError('401'));

    await expect(active()).rejects.toThrow(CredentialsRefusedError);
  });

  test('has no patience with a deadline that is over', async () => {
    const { clock, active } = await aBench({ bootTakesPolls: 100 });
    const failed = expect(active(-5)).rejects.toThrow(DeadlineExceededError);

    await passTime(clock, 100);

    await failed;
  });
});

describe('awaitGone', () => {
  test('is content when two lists in a row lack the server', async () => {
    const { clock, cloud, gone } = await aBench();
    const server = aServer('server-1');
    const lists = [[server], [], [server], [], []];
    cloud.nextServerList = async (signal) => {
      await clock.sleep(300, signal);
      return lists.shift() ?? [];
    };
    const waited = gone();

    await passTime(clock, 1_600);

    await expect(waited).resolves.toBeUndefined();
    expect(lists).toEqual([]);
  });

  test('counts a server in status DELETED as gone: old clouds show it for a while', async () => {
    const { clock, gone, cloud } = await aBench();
    cloud.servers.remove('server-1');
    cloud.servers.add(aServer('server-1', { status: 'DELETED' }));
    const waited = gone();

    await passTime(clock, 700);

    await expect(waited).resolves.toBeUndefined();
  });

  test('gives up after its time', async () => {
    const { clock, gone } = await aBench();
    const failed = expect(gone()).rejects.toThrow('Timeout waiting for server server-1 to be gone (60 s)');

    await passTime(clock, 60_100, 1_000);

    await failed;
  });

  test('does not take silence for absence', async () => {
    const { cloud, gone } = await aBench();
    cloud.failNext('nextServerList', AWAY);

    await expect(gone()).rejects.toBe(AWAY);
  });
});
