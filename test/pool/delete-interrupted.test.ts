import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/node/node.ts';
import { runDeletionPass } from '../../src/pool/deletion-pass.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { benchWithNodes, nameOf, serverOf } from './bench-with-nodes.ts';
import { Life } from './life.ts';
import type { PoolBench, PoolBenchOptions } from './pool-bench.ts';
import { settlePool } from './settle-pool.ts';

const DELETE: Partial<Node> = { state: 'delete' };

/** One process that deletes what is marked, until it is done or killed. */
async function runProcess(bench: PoolBench, life: Life): Promise<void> {
  bench.wrap = life.wrap;
  const { deletionPass } = bench.startProcess();
  await life.of(runDeletionPass(deletionPass, neverAborted));
  await life.of(deletionPass.deletions.settled());
}

async function callsOf(makeBench: () => PoolBench): Promise<readonly string[]> {
  const life = new Life();
  await runProcess(makeBench(), life);
  return life.calls;
}

/** A node to delete with everything that a deletion meets: a slow agent, a slow server and a stray one. */
function fullBench(): PoolBench {
  const servers = [serverOf(1, { id: 'server-1' }), serverOf(1, { id: 'stray' })];
  const options: PoolBenchOptions = { cloud: { servers, deleteTakesPolls: 2 }, agents: { removeTakesPolls: 0 } };
  return benchWithNodes([DELETE], options);
}

describe.each(['before', 'after'] as const)('a deletion whose process is killed just %s any of its calls', (how) => {
  test('is finished by the next one: nothing is left, and nothing is counted twice', async () => {
    const calls = await callsOf(fullBench);

    for (let call = 1; call <= calls.length; call += 1) {
      const bench = fullBench();
      const life = new Life(call, how);
      await runProcess(bench, life);
      await settlePool(bench);

      const where = `killed ${how} call ${call}, ${life.calls.at(-1) ?? 'none'}`;
      expect(bench.nodes.all(), where).toEqual([]);
      expect(bench.cloud.servers.peekAll(), where).toEqual([]);
      expect(bench.agents.nodenames, where).toEqual([]);
      expect(bench.metrics.deletions.length, where).toBeLessThanOrEqual(1);
    }
    expect(calls.length).toBeGreaterThan(12);
  });

  test('never cuts off the build that runs on it, nor does the next one', async () => {
    const makeBench = (): PoolBench => {
      const bench = fullBench();
      bench.agents.startBuild(nameOf(1));
      return bench;
    };
    const calls = await callsOf(makeBench);

    for (let call = 1; call <= calls.length; call += 1) {
      const bench = makeBench();
      await runProcess(bench, new Life(call, how));
      await settlePool(bench);

      const where = `killed ${how} call ${call}, ${calls[call - 1] ?? 'none'}`;
      expect(bench.agents.killedBuilds, where).toEqual([]);
      expect(bench.cloud.servers.has('server-1'), where).toBe(true);
      expect(bench.node().state, where).toBe('delete');
    }
    expect(calls.length).toBeGreaterThan(4);
  });
});

describe('a deletion one of whose calls fails', () => {
  test.each(['find', 'setOffline', 'remove'] as const)('in Jenkins, %s, is done by a later pass', async (call) => {
    const bench = fullBench();
    bench.agents.failNext(call, new TransientProviderError('503'));

    await settlePool(bench);

    expect(bench.nodes.all()).toEqual([]);
    expect(bench.cloud.servers.peekAll()).toEqual([]);
    expect(bench.agents.nodenames).toEqual([]);
  });

  test.each(['deleteServer', 'nextServerList'] as const)('in the cloud, %s, is done by a later pass', async (call) => {
    const bench = fullBench();
    bench.cloud.failNext(call, new TransientProviderError('503'));

    await settlePool(bench);

    expect(bench.nodes.all()).toEqual([]);
    expect(bench.cloud.servers.peekAll()).toEqual([]);
  });

  test.each(['remove', 'setOffline'] as const)(
    'with a lost answer of Jenkins, %s, is done by a later pass',
    async (call) => {
      const bench = fullBench();
      bench.agents.loseNextAnswer(call);

      await settlePool(bench);

      expect(bench.nodes.all()).toEqual([]);
      expect(bench.agents.nodenames).toEqual([]);
    },
  );
});
