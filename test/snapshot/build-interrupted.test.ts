import { describe, expect, test } from 'vitest';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import { removeBuildServer } from '../../src/snapshot/remove-build-server.ts';
import { snapshotProperties } from '../../src/snapshot/snapshot-owner.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { BuildBench, INSTALLATION } from './build-bench.ts';

/** Lets a build come to the point where its command matches, and ends the daemon there. */
async function interruptAt(bench: BuildBench, part: string): Promise<SnapshotImage> {
  await bench.insert();
  const daemon = new AbortController();
  bench.machines.run = (command, _options, signal) => {
    if (!command.includes(part)) return undefined;
    daemon.abort(new Error('Stopped'));
    signal.throwIfAborted();
    return undefined;
  };
  const row = bench.row();
  await bench.buildWith(row, daemon.signal).catch(() => undefined);
  bench.machines.run = () => undefined;
  return bench.row();
}

/** The daemon ends the moment that the snapshot is asked for; with `lost`, before its answer comes. */
async function interruptAtSnapshot(bench: BuildBench, answer: 'stored' | 'lost' | 'unsent'): Promise<SnapshotImage> {
  await bench.insert();
  const daemon = new AbortController();
  const { cloud } = bench;
  const create = cloud.createSnapshot.bind(cloud);
  const find = cloud.findImage.bind(cloud);
  cloud.createSnapshot = async (...call) => {
    const id = answer === 'unsent' ? '' : await create(...call);
    if (answer === 'stored') return id;
    daemon.abort(new Error('Stopped'));
    throw daemon.signal.reason;
  };
  cloud.findImage = async (id, signal) => {
    if (id !== 'base') daemon.abort(new Error('Stopped'));
    return await find(id, signal);
  };
  await bench.buildWith(bench.row(), daemon.signal).catch(() => undefined);
  Object.assign(cloud, { createSnapshot: create, findImage: find });
  return bench.row();
}

describe('a build that a restart interrupted', () => {
  test.each(['mkdir', 'prepare.sh'])('at %s begins anew at once, with no failure counted', async (part) => {
    const bench = new BuildBench();
    const interrupted = await interruptAt(bench, part);
    expect(interrupted).toMatchObject({ state: 'building', step: 'setup' });

    await bench.pass();

    expect(await bench.images.listFailures()).toEqual([]);
    const [first, second] = bench.images.all();
    expect(first).toMatchObject({ id: 1, state: 'delete', lastError: expect.stringContaining('stopped') as string });
    expect(second).toMatchObject({ id: 2, state: 'building' });
    expect(second?.version).toBeGreaterThan(first?.version ?? Infinity);

    await bench.pass();

    expect(bench.row()).toMatchObject({ id: 2, state: 'ready' });
    expect(bench.left()).toEqual({ servers: 0, keypairs: [], images: [bench.row().externalId] });
  });

  test('begins anew though an earlier failure would still make it wait', async () => {
    const bench = new BuildBench();
    const failedAt = bench.clock.now();
    const retryAt = new Date(failedAt.getTime() + 3_600_000);
    const failure = { provider: 'fake-provider', image: 'trusty', failures: 5, lastError: 'x', failedAt, retryAt };
    await bench.images.saveFailure(failure);
    await interruptAt(bench, 'prepare.sh');

    await bench.pass();
    await bench.pass();

    expect(bench.row()).toMatchObject({ id: 2, state: 'ready' });
  });

  test('goes on with the snapshot that was under way', async () => {
    const bench = new BuildBench();
    const { externalId } = await interruptAtSnapshot(bench, 'stored');

    await bench.pass();

    expect(bench.row()).toMatchObject({ id: 1, state: 'ready', externalId });
    expect(bench.left()).toEqual({ servers: 0, keypairs: [], images: [externalId] });
  });

  test('finds the snapshot whose id it never heard', async () => {
    const bench = new BuildBench();
    expect((await interruptAtSnapshot(bench, 'lost')).externalId).toBeUndefined();
    const [made] = bench.left().images;

    await bench.pass();

    expect(bench.row()).toMatchObject({ id: 1, state: 'ready', externalId: made });
  });

  test('asks for the snapshot again where the call was never sent: the setup is not repeated', async () => {
    const bench = new BuildBench();
    await interruptAtSnapshot(bench, 'unsent');
    const commands = bench.machines.commands.length;

    await bench.pass();

    expect(bench.row()).toMatchObject({ id: 1, state: 'ready' });
    expect(bench.machines.commands).toHaveLength(commands);
  });
});

describe('an image that is deleted while it is being built', () => {
  test('ends its setup script at once, and everything of it goes', async () => {
    const bench = new BuildBench();
    await bench.insert();
    const running = bench.machines.hangAt('prepare.sh');
    await bench.startPass();
    await running;
    bench.asksForMissing = false;

    await bench.images.apply(bench.row(), 'deleted', { who: 'cli:me', why: 'Deleted by an operator' });
    await bench.pass();

    expect(bench.images.all()).toEqual([]);
    expect(bench.left()).toEqual({ servers: 0, keypairs: [], images: [] });
    expect(await bench.images.listFailures()).toEqual([]);
    expect(bench.log.messages('error')).toEqual([]);
  });

  test('does not become ready, and its image goes too', async () => {
    const bench = new BuildBench();
    await bench.insert();
    const { cloud } = bench;
    const create = cloud.createSnapshot.bind(cloud);
    cloud.createSnapshot = async (...call) => {
      await bench.images.apply(bench.row(), 'deleted', { who: 'cli:me', why: 'Deleted by an operator' });
      return await create(...call);
    };

    await bench.pass();
    expect(bench.row().state).toBe('delete');
    bench.asksForMissing = false;
    await bench.pass();

    expect(bench.images.all()).toEqual([]);
    expect(bench.left()).toEqual({ servers: 0, keypairs: [], images: [] });
  });

  test('takes back what was just made when its row is gone already', async () => {
    const bench = new BuildBench();
    const row = await bench.insert();
    const { cloud } = bench;
    const create = cloud.createServer.bind(cloud);
    cloud.createServer = async (spec, signal) => {
      await bench.images.remove(row, { who: 'test', why: 'Another program was faster' });
      return await create(spec, signal);
    };

    await bench.build(row);

    expect(bench.left().servers).toBe(0);
    expect(bench.images.all()).toEqual([]);
  });
});

describe('what a build leaves in the cloud', () => {
  const metadata = {
    nodepool: JSON.stringify({ provider_name: 'fake-provider', snapshot_image_id: 1 }),
    nodepool_installation: INSTALLATION,
  };
  const server = { name: 'stray', status: 'ACTIVE', addresses: [], createdAt: new Date(0) };

  test('is found by its metadata, and what others made is left alone', async () => {
    const theirs = { ...metadata, nodepool_installation: 'somebody-else' };
    const bench = new BuildBench({
      cloud: {
        servers: [
          { ...server, id: 'ours', metadata },
          { ...server, id: 'theirs', metadata: theirs },
          { ...server, id: 'foreign', metadata: {} },
        ],
      },
    });
    const row = { ...(await bench.insert()), attempt: 'a' };

    await removeBuildServer(row, bench.deps(), neverAborted);

    expect(bench.cloud.servers.peekAll().map(({ id }) => id)).toEqual(['theirs', 'foreign']);
  });

  test('is looked for in two lists, because one may miss it', async () => {
    const bench = new BuildBench({ cloud: { servers: [{ ...server, id: 'late', metadata }] } });
    const { cloud } = bench;
    const list = cloud.nextServerList.bind(cloud);
    let lists = 0;
    cloud.nextServerList = async (signal) => {
      lists += 1;
      return lists === 1 ? [] : await list(signal);
    };

    await removeBuildServer({ ...(await bench.insert()), attempt: 'a' }, bench.deps(), neverAborted);

    expect(cloud.servers.size).toBe(0);
  });

  test('is an image only if all its properties name the row', async () => {
    const bench = new BuildBench();
    const row = { ...(await bench.insert()), step: 'save' as const };
    const properties = snapshotProperties(row, INSTALLATION);
    const inherited = { ...properties, nodepool_snapshot_image_id: '7' };
    bench.cloud.images.add({ id: 'mine', name: 'x', status: 'active', properties });
    bench.cloud.images.add({ id: 'other', name: 'x', status: 'active', properties: inherited });
    bench.images.put({ ...row, state: 'delete' });
    bench.asksForMissing = false;

    await bench.pass();

    expect(bench.left().images).toEqual(['other']);
  });
});
