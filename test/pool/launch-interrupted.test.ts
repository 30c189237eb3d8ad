import { describe, expect, test } from 'vitest';
import { launchNode } from '../../src/pool/launch-node.ts';
import { QuotaExceededError, TransientProviderError } from '../../src/provider/errors.ts';
import { aLabel } from '../builders/a-config.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { Life } from './life.ts';
import { PoolBench } from './pool-bench.ts';
import { settlePool } from './settle-pool.ts';

const CONFIG = { labels: [aLabel({ readyScript: 'ready.sh' })] };
const OPERATOR = { who: 'cli:root', why: 'An operator asked for it' };

type Interruption = (bench: PoolBench) => Promise<unknown>;

const hold: Interruption = (bench) => bench.nodes.apply(bench.node(), 'held', OPERATOR);
const remove: Interruption = (bench) => bench.nodes.apply(bench.node(), 'deleted', OPERATOR);

/** Launches node 1 and does `interrupt` before its n-th outside call. */
async function launchWith(interrupt: Interruption, call: number | string): Promise<PoolBench & { life: Life }> {
  const bench = Object.assign(new PoolBench({ config: CONFIG }), { life: new Life() });
  bench.life.beforeCall = async (count, name) => {
    if (count === call || (name === call && bench.nodes.all()[0]?.state === 'building')) await interrupt(bench);
  };
  bench.wrap = bench.life.wrap;
  await launchNode(bench.launch(), bench.launchDeps(), neverAborted);
  return bench;
}

async function callsUntilReady(): Promise<readonly string[]> {
  const { life } = await launchWith(() => Promise.resolve(), 0);
  return life.calls.slice(0, life.calls.indexOf('apply') + 1);
}

describe('a node that is held while it is launched', () => {
  test('ends the launch at the next step, whichever that is: nothing is registered, and its server stays', async () => {
    const calls = await callsUntilReady();

    for (const [index, name] of calls.entries()) {
      const bench = await launchWith(hold, index + 1);
      const servers = bench.cloud.servers.size;
      await settlePool(bench);

      const where = `held before call ${index + 1}, ${name}`;
      expect(bench.node(), where).toMatchObject({ state: 'hold' });
      expect(bench.agents.nodenames, where).toEqual([]);
      expect(bench.cloud.servers.size, where).toBe(servers);
      expect(bench.log.messages('error'), where).toEqual([]);
      expect(bench.metrics.launches, where).toEqual([]);
    }
    expect(calls.length).toBeGreaterThan(20);
  });

  test('keeps the id of a server that was being created, so that its deletion finds it', async () => {
    const bench = await launchWith(hold, 'createServer');

    expect(bench.node()).toMatchObject({ state: 'hold', externalId: 'server-1' });
  });

  test('does not run its ready script any more when it is held before that', async () => {
    const bench = await launchWith(hold, 'open');

    expect(bench.machines.machine('10.0.0.1').commands).toEqual([]);
  });
});

describe('a node that is deleted while it is launched', () => {
  test('ends the launch at the next step, and nothing is left of it', async () => {
    const calls = await callsUntilReady();

    for (const [index, name] of calls.entries()) {
      const bench = await launchWith(remove, index + 1);
      await settlePool(bench);

      const where = `deleted before call ${index + 1}, ${name}`;
      expect(bench.nodes.all(), where).toEqual([]);
      expect(bench.cloud.servers.peekAll(), where).toEqual([]);
      expect(bench.agents.nodenames, where).toEqual([]);
    }
  });

  test('whose row is gone during the create call has its server deleted, for nobody else knows of it', async () => {
    const bench = await launchWith((each) => each.nodes.remove(each.node(), OPERATOR), 'createServer');

    expect(bench.cloud.servers.peekAll()).toEqual([]);
    expect(bench.cloud.calls).toContain('deleteServer');
    expect(await bench.history.wasRemoved('server-1'), 'so that its port is ours').toBe(true);
  });

  test('whose row is gone and whose server cannot be deleted is named in the log', async () => {
    const bench = await launchWith(async (each) => {
      each.cloud.failNext('deleteServer', new TransientProviderError('503'));
      await each.nodes.remove(each.node(), OPERATOR);
    }, 'createServer');

    expect(bench.log.messages('error')).toEqual(['Cannot delete server server-1 of node id: 1, whose row is gone']);
  });
});

describe('a node that is held or deleted while it is registered', () => {
  test.each([
    ['held', hold],
    ['deleted', remove],
  ])('is %s: its agent is withdrawn, for Jenkins must not use it', async (_word, interrupt) => {
    const bench = new PoolBench();
    const life = new Life();
    life.beforeCall = async (_count, name) => {
      if (name === 'ensure') await interrupt(bench);
    };
    bench.wrap = life.wrap;

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    expect(bench.agents.nodenames).toEqual([]);
    expect(bench.log.messages('info')).not.toContain('Node id: 1 added to jenkins');
  });

  test('keeps an agent on which a build began at once, but takes it offline', async () => {
    const bench = new PoolBench();
    const life = new Life();
    life.beforeCall = async (count, name) => {
      if (name !== 'record' || bench.agents.nodenames.length === 0 || count === 0) return;
      bench.agents.startBuild('trusty-fake-provider-1');
      await hold(bench);
    };
    bench.wrap = life.wrap;

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    expect(bench.agents.agent('trusty-fake-provider-1')).toMatchObject({ busy: true, temporarilyOffline: true });
    expect(bench.agents.killedBuilds).toEqual([]);
  });
});

describe('no room in the provider', () => {
  test('removes the row, which would count as supply', async () => {
    const bench = new PoolBench({ cloud: { maxInstances: 0 } });

    const launched = launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    await expect(launched).rejects.toThrow(QuotaExceededError);
    expect(bench.nodes.all()).toEqual([]);
    expect(bench.metrics.launches).toEqual([]);
  });

  test('keeps a node that was held during the create call', async () => {
    const bench = new PoolBench({ cloud: { maxInstances: 0 } });
    const life = new Life();
    life.beforeCall = (_count, name) => (name === 'createServer' ? hold(bench).then(() => undefined) : undefined);
    bench.wrap = life.wrap;

    await expect(launchNode(bench.launch(), bench.launchDeps(), neverAborted)).rejects.toThrow(QuotaExceededError);

    expect(bench.node().state).toBe('hold');
  });

  test('leaves a node to the deletion whose earlier create call may have made a server', async () => {
    const bench = new PoolBench();
    await bench.nodes.record(1, { attempt: 'attempt-of-an-earlier-process' });
    bench.cloud.failNext('createServer', new QuotaExceededError('fake-provider', 'Quota exceeded'));

    await expect(launchNode(bench.launch(), bench.launchDeps(), neverAborted)).rejects.toThrow(QuotaExceededError);

    expect(bench.node().state).toBe('delete');
  });
});
