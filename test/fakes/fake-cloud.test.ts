import { describe, expect, test } from 'vitest';
import { QuotaExceededError, UnknownOutcomeError } from '../../src/provider/errors.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeCloud } from './fake-cloud.ts';
import { neverAborted } from './never-aborted.ts';

const spec = { name: 'node-1', imageId: 'image-1', minRamMib: 1024, metadata: { nodepool_node_id: '1' } };

describe('FakeCloud', () => {
  test('shows a server as BUILD for the polls asked for and then as ACTIVE with an address', async () => {
    const cloud = new FakeCloud({ bootTakesPolls: 2 });
    const { id } = await cloud.createServer(spec, neverAborted);

    const seen = [];
    for (let poll = 0; poll < 3; poll += 1) seen.push((await cloud.findServer(id, neverAborted))?.status);

    expect(seen).toEqual(['BUILD', 'BUILD', 'ACTIVE']);
    expect(cloud.servers.peekAll().map((server) => cloud.addressesOf(server))).toEqual([
      { public: '10.0.0.1', private: '10.0.0.1' },
    ]);
  });

  test('keeps a deleted server for the polls asked for, as a cloud does', async () => {
    const cloud = new FakeCloud({ servers: ['srv-1'], deleteTakesPolls: 1 });
    await cloud.deleteServer('srv-1', neverAborted);

    expect(await cloud.findServer('srv-1', neverAborted)).toMatchObject({ taskState: 'deleting' });
    expect(await cloud.findServer('srv-1', neverAborted)).toBeUndefined();
  });

  test('creates the server whose answer it loses, so that a launch can find it by its metadata', async () => {
    const cloud = new FakeCloud();
    cloud.loseNextAnswer('createServer');

    await expect(cloud.createServer(spec, neverAborted)).rejects.toThrow(UnknownOutcomeError);

    expect(await cloud.listServers(neverAborted)).toMatchObject([{ metadata: { nodepool_node_id: '1' } }]);
  });

  test('fails the next call only', async () => {
    const cloud = new FakeCloud();
    cloud.failNext('createServer', new QuotaExceededError('fake-provider', 'Quota exceeded'));

    await expect(cloud.createServer(spec, neverAborted)).rejects.toThrow(QuotaExceededError);

    expect((await cloud.createServer(spec, neverAborted)).id).toBe('server-1');
  });

  test('gives all waiters one list, at the clock`s pace', async () => {
    const clock = new FakeClock();
    const cloud = new FakeCloud({ clock, servers: ['srv-1'] });
    const lists = [cloud.nextServerList(neverAborted), cloud.nextServerList(neverAborted)];
    await clock.untilSleeping();
    await clock.advance(300);

    const [first, second] = await Promise.all(lists);

    expect(first).toBe(second);
    expect(first).toHaveLength(1);
  });

  test('clears the task state of a server only at a poll after its snapshot turned active', async () => {
    const cloud = new FakeCloud({ servers: ['srv-1'], snapshotTakesPolls: 1 });
    const id = await cloud.createSnapshot('srv-1', 'shot', { a: 'b' }, neverAborted);
    const statuses = [];
    for (let poll = 0; poll < 2; poll += 1) statuses.push((await cloud.findImage(id, neverAborted))?.status);

    expect(statuses).toEqual(['queued', 'active']);
    expect(await cloud.findServer('srv-1', neverAborted)).toMatchObject({ taskState: 'image_uploading' });
    expect((await cloud.findServer('srv-1', neverAborted))?.taskState).toBeUndefined();
  });

  test('hangs until aborted where told to', async () => {
    const cloud = new FakeCloud();
    const abort = new AbortController();
    cloud.hangNext('findServer');
    const call = cloud.findServer('srv-1', abort.signal);
    abort.abort(new Error('enough'));

    await expect(call).rejects.toThrow('enough');
  });
});
