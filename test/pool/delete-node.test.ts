import { describe, expect, test } from 'vitest';
import { OFFLINE_BY_GEARMAN } from '../../src/node/agents.ts';
import { deleteNode } from '../../src/pool/delete-node.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { aTarget } from '../builders/a-config.ts';
import { aServer } from '../fakes/fake-cloud.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { benchWithNodes, nameOf, serverOf } from './bench-with-nodes.ts';
import { Life } from './life.ts';
import type { PoolBench } from './pool-bench.ts';

const DELETE = { state: 'delete' } as const;
const NAME = nameOf(1);

async function deleteFirst(bench: PoolBench): Promise<string> {
  return await deleteNode(bench.node(), bench.deleteDeps(), neverAborted);
}

describe('deleteNode', () => {
  test('takes the agent offline, then away, then the server, and the row last', async () => {
    const bench = benchWithNodes([DELETE]);
    const life = new Life();
    bench.wrap = life.wrap;

    expect(await deleteFirst(bench)).toBe('gone');

    expect(life.calls.filter((name) => name !== 'nextServerList')).toEqual([
      ...['find', 'setOffline', 'find', 'remove'],
      ...['deleteServer', 'remove'],
    ]);
    expect(bench.agents.nodenames).toEqual([]);
    expect(bench.cloud.servers.peekAll()).toEqual([]);
    expect(bench.nodes.all()).toEqual([]);
    expect(bench.log.messages('info')).toEqual(['Deleted jenkins node id: 1', 'Deleted node id: 1']);
  });

  test('never deletes a node whose build runs: not its agent, not its server', async () => {
    const bench = benchWithNodes([DELETE]);
    bench.agents.startBuild(NAME);

    expect(await deleteFirst(bench)).toBe('busy');

    expect(bench.agents.agent(NAME)).toMatchObject({ busy: true, temporarilyOffline: true });
    expect(bench.agents.killedBuilds).toEqual([]);
    expect(bench.cloud.calls).toEqual([]);
    expect(bench.node().state).toBe('delete');
  });

  test('goes on when that build has ended', async () => {
    const bench = benchWithNodes([DELETE]);
    bench.agents.startBuild(NAME);
    await deleteFirst(bench);

    bench.agents.endBuild(NAME);

    expect(await deleteFirst(bench)).toBe('gone');
    expect(bench.agents.killedBuilds).toEqual([]);
  });

  test('deletes a busy node on an operator’s command', async () => {
    const bench = benchWithNodes([{ ...DELETE, forced: true }]);
    bench.agents.startBuild(NAME);

    expect(await deleteFirst(bench)).toBe('gone');
    expect(bench.agents.killedBuilds).toEqual([NAME]);
  });

  test('leaves the server while Jenkins still lists the agent', async () => {
    const bench = benchWithNodes([DELETE], { agents: { removeTakesPolls: 3 } });

    expect(await deleteFirst(bench)).toBe('waiting');
    expect(bench.cloud.calls).toEqual([]);
    expect(bench.nodes.all()).toHaveLength(1);
  });

  test.each(['find', 'setOffline', 'remove'] as const)(
    'deletes nothing in the cloud when Jenkins does not answer %s: builds may be running there',
    async (call) => {
      const bench = benchWithNodes([DELETE]);
      bench.agents.failNext(call, new TransientProviderError('Jenkins does not answer'));

      await expect(deleteFirst(bench)).rejects.toThrow('Jenkins does not answer');

      expect(bench.cloud.calls).toEqual([]);
      expect(bench.nodes.all()).toHaveLength(1);
    },
  );

  test('keeps the row until the server is seen to be gone in two lists in a row', async () => {
    const bench = benchWithNodes([DELETE], {
      cloud: { servers: [serverOf(1, { id: 'server-1' })], deleteTakesPolls: 4 },
    });
    const life = new Life();
    const rows: number[] = [];
    life.beforeCall = (_count, name) => {
      if (name === 'nextServerList') rows.push(bench.nodes.all().length);
    };
    bench.wrap = life.wrap;

    expect(await deleteFirst(bench)).toBe('gone');
    expect(rows.length).toBeGreaterThanOrEqual(6);
    expect(new Set(rows)).toEqual(new Set([1]));
  });

  test('keeps the row when the server does not go, and says what was waited for', async () => {
    const options = { servers: [serverOf(1, { id: 'server-1' })], deleteTakesPolls: Infinity };
    const bench = benchWithNodes([DELETE], { cloud: options, slow: true });

    const failed = expect(deleteFirst(bench)).rejects.toThrow('Timeout waiting for server server-1 to be gone (120 s)');
    await bench.clock.untilSleeping();
    await bench.clock.advance(601_000);

    await failed;
    expect(bench.nodes.all()).toHaveLength(1);
  });

  test('asks again for a server that another hand has deleted: that is success', async () => {
    const bench = benchWithNodes([DELETE]);
    bench.cloud.servers.remove('server-1');

    expect(await deleteFirst(bench)).toBe('gone');
  });

  test('goes without Jenkins where the target has none', async () => {
    const target = definedOnly({ ...aTarget(), jenkins: undefined });
    const bench = benchWithNodes([DELETE], { config: { targets: [target] } });

    expect(await deleteFirst(bench)).toBe('gone');
    expect(bench.agents.calls).toEqual([]);
  });

  test('is done at once for a node that never asked for a server', async () => {
    const bench = benchWithNodes([]);
    const [node] = await bench.nodes.insert([{ provider: 'fake-provider', label: 'trusty', target: 'fake-target' }], {
      who: 'test',
      why: 'test',
    });
    if (node !== undefined) await bench.nodes.apply(node, 'deleted', { who: 'test', why: 'test' });

    expect(await deleteFirst(bench)).toBe('gone');
    expect(bench.cloud.calls).toEqual([]);
  });

  test('counts the time since it was marked, under the image of its label', async () => {
    const bench = benchWithNodes([{ ...DELETE, stateChangedAt: new Date('2025-12-31T23:59:30Z') }]);

    await deleteFirst(bench);

    expect(bench.metrics.deletions).toEqual([{ node: 1, image: 'trusty', ms: 30_000 }]);
  });

  test('counts a node whose label is gone without image', async () => {
    const bench = benchWithNodes([{ ...DELETE, label: 'gone' }]);

    await deleteFirst(bench);

    expect(bench.metrics.deletions).toMatchObject([{ image: undefined }]);
  });
});

describe('servers that name the node', () => {
  test('go with it, also those that its row does not know: a create call whose answer was lost made them', async () => {
    const servers = [serverOf(1, { id: 'server-1' }), serverOf(1, { id: 'stray' })];
    const bench = benchWithNodes([DELETE], { cloud: { servers } });

    expect(await deleteFirst(bench)).toBe('gone');

    expect(bench.cloud.servers.peekAll()).toEqual([]);
    expect(bench.log.messages('warn')).toEqual([
      'Deleting leaked instance stray (stray) in fake-provider for node id: 1',
    ]);
  });

  test('are noted, once: their ports are known as ours by that alone, should they stay', async () => {
    const servers = [serverOf(1, { id: 'server-1' }), serverOf(1, { id: 'stray' })];
    const bench = benchWithNodes([DELETE], { cloud: { servers } });
    const life = new Life();
    life.beforeCall = (_count, name) => {
      const isStrays = name === 'deleteServer' && life.calls.filter((call) => call === name).length === 2;
      if (isStrays) bench.cloud.failNext('deleteServer', new TransientProviderError('503'));
    };
    bench.wrap = life.wrap;

    await expect(deleteFirst(bench)).rejects.toThrow('503');
    await deleteFirst(bench);

    expect(await bench.history.wasRemoved('stray')).toBe(true);
    expect(bench.history.all().filter(({ event }) => event === 'reaped')).toMatchObject([
      { who: 'deleter', why: 'Server stray was made for this node, which never learned of it' },
    ]);
  });

  test('are looked for once more where the create call has no known outcome: its server may come late', async () => {
    const bench = benchWithNodes([DELETE]);
    bench.nodes.put(definedOnly({ ...bench.node(), externalId: undefined, registeredAt: undefined }));
    bench.cloud.servers.remove('server-1');
    const life = new Life();
    let lists = 0;
    life.beforeCall = (_count, name) => {
      if (name !== 'nextServerList') return;
      lists += 1;
      if (lists === 3) bench.cloud.servers.add(serverOf(1, { id: 'late' }));
    };
    bench.wrap = life.wrap;

    expect(await deleteFirst(bench)).toBe('gone');
    expect(bench.cloud.servers.peekAll()).toEqual([]);
  });

  test.each([
    ['another node of ours', serverOf(2, { id: 'other' })],
    ['a node of that number of another installation', foreign({ nodepool_installation: 'somebody else' })],
    ['a node of upstream’s, that has no installation', foreign({ nodepool_installation: undefined })],
    ['nobody', aServer('other')],
  ])('are not those of %s', async (_, other) => {
    const bench = benchWithNodes([DELETE], { cloud: { servers: [serverOf(1, { id: 'server-1' }), other] } });

    await deleteFirst(bench);

    expect(bench.cloud.servers.peekAll().map(({ id }) => id)).toEqual(['other']);
  });
});

describe('a registration that was under way', () => {
  test('may have made the agent late: the row stays until that is gone too', async () => {
    const bench = benchWithNodes([DELETE]);
    bench.nodes.put(definedOnly({ ...bench.node(), registeredAt: undefined }));
    bench.agents.drop(NAME);
    const life = new Life();
    life.beforeCall = (_count, name) => {
      if (name === 'deleteServer') bench.agents.add({ nodename: NAME });
    };
    bench.wrap = life.wrap;

    expect(await deleteFirst(bench)).toBe('waiting');
    expect(await deleteFirst(bench)).toBe('waiting'); // it is made once more before this deletion's server call
    bench.wrap = (peer) => peer;
    expect(await deleteFirst(bench)).toBe('gone');
    expect(bench.agents.nodenames).toEqual([]);
  });
});

test('an agent that its job took offline is removed after a single look, before another job can hang in it', async () => {
  const bench = benchWithNodes([DELETE]);
  Object.assign(bench.agents.agent(NAME), { temporarilyOffline: true, offlineReason: OFFLINE_BY_GEARMAN });

  await deleteFirst(bench);

  expect(bench.agents.calls).toEqual(['find', 'remove']);
});

function foreign(metadata: Readonly<Record<string, string | undefined>>) {
  const server = serverOf(1, { id: 'other' });
  return { ...server, metadata: definedOnly({ ...server.metadata, ...metadata }) as Record<string, string> };
}
