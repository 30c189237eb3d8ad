import { describe, expect, test } from 'vitest';
import { launchNode } from '../../src/pool/launch-node.ts';
import type { Server } from '../../src/provider/cloud-provider.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { parseOwner } from '../../src/provider/owner-metadata.ts';
import { aLabel } from '../builders/a-config.ts';
import { aNode } from '../builders/a-node.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { Life } from './life.ts';
import { passTime } from './pass-time.ts';
import { PoolBench, type PoolBenchOptions } from './pool-bench.ts';
import { settlePool } from './settle-pool.ts';

const WITH_SCRIPT: PoolBenchOptions = { config: { labels: [aLabel({ readyScript: 'ready.sh' })] } };

/** A launch whose process is killed around its n-th outside call, if it makes so many. */
async function launchUntilDeath(bench: PoolBench, life: Life): Promise<void> {
  bench.wrap = life.wrap;
  await life.of(launchNode(bench.launch(), bench.launchDeps(), neverAborted));
}

async function countCalls(options: PoolBenchOptions): Promise<number> {
  const life = new Life();
  await launchUntilDeath(new PoolBench(options), life);
  return life.calls.length;
}

describe.each(['before', 'after'] as const)('a launch whose process is killed just %s any of its calls', (how) => {
  test('is resumed to one ready node with one server and one agent', async () => {
    const count = await countCalls({});

    for (let call = 1; call <= count; call += 1) {
      const bench = new PoolBench();
      const life = new Life(call, how);
      await launchUntilDeath(bench, life);
      await settlePool(bench);

      const where = `killed ${how} call ${call}, ${life.calls.at(-1) ?? 'none'}`;
      expect(bench.nodes.all(), where).toMatchObject([{ state: 'ready', externalId: 'server-1' }]);
      expect(bench.node().registeredAt, where).toBeDefined();
      expect(bench.cloud.servers.size, where).toBe(1);
      expect(bench.agents.nodenames, where).toEqual(['trusty-fake-provider-1']);
    }
    expect(count).toBeGreaterThan(25);
  });

  test('never runs its ready script twice on one machine: a node with a half-run script goes, and all of it', async () => {
    const count = await countCalls(WITH_SCRIPT);
    let deleted = 0;

    for (let call = 1; call <= count; call += 1) {
      const bench = new PoolBench(WITH_SCRIPT);
      const life = new Life(call, how);
      await launchUntilDeath(bench, life);
      await settlePool(bench);

      const where = `killed ${how} call ${call}, ${life.calls.at(-1) ?? 'none'}`;
      expect(bench.machines.machine('10.0.0.1').timesRun('ready.sh'), where).toBeLessThanOrEqual(1);
      const rows = bench.nodes.all().length;
      expect(bench.cloud.servers.size, where).toBe(rows);
      expect(bench.agents.nodenames, where).toHaveLength(rows);
      if (rows === 0) deleted += 1;
    }
    expect(deleted).toBeGreaterThan(0);
  });
});

describe('a launch that is aborted', () => {
  test('leaves the row as it is and says nothing, for the next process to resume', async () => {
    const bench = new PoolBench({ cloud: { bootTakesPolls: 3 } });
    const stop = new AbortController();
    const life = new Life();
    life.beforeCall = (_count, name) => {
      if (name === 'nextServerList') stop.abort();
    };
    bench.wrap = life.wrap;

    const launched = launchNode(bench.launch(), bench.launchDeps(), stop.signal);

    await expect(launched).rejects.toThrow('This operation was aborted');
    expect(bench.node()).toMatchObject({ state: 'building', step: 'wait-active', externalId: 'server-1' });
    expect(bench.log.messages('error')).toEqual([]);
    expect(bench.metrics.launches).toEqual([]);
  });

  test('goes on where it stood: the server is asked for once, and waited for', async () => {
    const bench = new PoolBench({
      nodes: [aNode({ step: 'create-server', attempt: 'attempt-1', hostname: 'kept.example.org', nodename: 'kept' })],
    });
    const metadata = { nodepool: '{"provider_name":"fake-provider","node_id":1}', nodepool_attempt: 'attempt-1' };
    const spec = { name: 'kept.example.org', imageId: 'image-1', minRamMib: 1, metadata };
    bench.cloud.servers.create(spec, bench.clock.now());

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    expect(bench.node()).toMatchObject({ state: 'ready', externalId: 'server-1', hostname: 'kept.example.org' });
    expect(bench.cloud.calls).not.toContain('createServer');
  });

  test('looks at its machine at least once more, however long the daemon was away', async () => {
    const stepStartedAt = new Date('2025-12-31T00:00:00Z');
    const facts = { externalId: 'server-1', step: 'wait-active', stepStartedAt } as const;
    const bench = new PoolBench({ nodes: [aNode(facts)], cloud: { servers: ['server-1'] }, slow: true });
    bench.cloud.servers.remove('server-1');
    bench.cloud.servers.create({ name: 'x', imageId: 'image-1', minRamMib: 1, metadata: {} }, stepStartedAt);

    const launched = launchNode(bench.launch(), bench.launchDeps(), neverAborted);
    await passTime(bench.clock, 5_000);

    expect(await launched).toBe('ready');
  });
});

describe('a create call whose answer is lost', () => {
  test('is looked up by its attempt id: the server is found, and no second one made', async () => {
    const bench = new PoolBench();
    bench.cloud.loseNextAnswer('createServer');

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    expect(bench.cloud.servers.size).toBe(1);
    expect(bench.node()).toMatchObject({ state: 'ready', externalId: 'server-1' });
  });

  test('is made again under a new attempt id when three lists lack the server, and both servers go at the deletion', async () => {
    const bench = new PoolBench();
    bench.cloud.loseNextAnswer('createServer');
    const life = new Life();
    const hidden: Server[] = [];
    life.beforeCall = (_count, name) => {
      const first = bench.cloud.servers.peekAll().find(({ id }) => id === 'server-1');
      if (name !== 'nextServerList' || first === undefined) return;
      hidden.push(first);
      bench.cloud.servers.remove(first.id);
    };
    bench.wrap = life.wrap;

    const launched = launchNode(bench.launch(), bench.launchDeps(), neverAborted);
    await passTime(bench.clock, 1_000);
    await launched;
    for (const late of hidden) bench.cloud.servers.add(late);
    await bench.nodes.apply(bench.node(), 'deleted', { who: 'test', why: 'test' });
    await settlePool(bench);

    expect(hidden.map(({ metadata }) => parseOwner(metadata)?.nodeId)).toEqual([1]);
    expect(bench.cloud.servers.peekAll()).toEqual([]);
    expect(bench.nodes.all()).toEqual([]);
    expect(bench.log.messages('warn')).toContainEqual(
      'Deleting leaked instance trusty-fake-provider-1.example.org (server-1) in fake-provider for node id: 1',
    );
  });

  test('is not made again while the cloud does not say whether there is a server', async () => {
    const bench = new PoolBench();
    bench.cloud.loseNextAnswer('createServer');
    bench.cloud.failNext('nextServerList', new TransientProviderError('503'), 4);

    const launched = launchNode(bench.launch(), bench.launchDeps(), neverAborted);
    await passTime(bench.clock, 10_000);

    expect(await launched).toBe('ready');
    expect(bench.cloud.calls.filter((call) => call === 'createServer')).toHaveLength(1);
  });

  test('ends the launch when the cloud never says, and leaves the server to the sweep of the deletion', async () => {
    const bench = new PoolBench();
    bench.cloud.loseNextAnswer('createServer');
    bench.cloud.failNext('nextServerList', new TransientProviderError('503'), 10);

    const launched = launchNode(bench.launch(), bench.launchDeps(), neverAborted).catch((error: unknown) => error);
    await passTime(bench.clock, 30_000, 1_000);
    await launched;
    expect(bench.node().state).toBe('delete');
    await settlePool(bench);

    expect(bench.cloud.servers.peekAll()).toEqual([]);
    expect(bench.nodes.all()).toEqual([]);
  });
});
