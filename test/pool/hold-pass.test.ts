import { describe, expect, test } from 'vitest';
import { OFFLINE_BY_GEARMAN } from '../../src/node/agents.ts';
import { runHoldPass } from '../../src/pool/hold-pass.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { aTarget } from '../builders/a-config.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { benchWithNodes, nameOf } from './bench-with-nodes.ts';
import type { PoolBench } from './pool-bench.ts';
import { settlePool } from './settle-pool.ts';

const HOLD = { state: 'hold' } as const;

async function pass(bench: PoolBench): Promise<void> {
  await runHoldPass(bench.startProcess().holdPass, neverAborted);
}

describe('the hold pass', () => {
  test('takes held nodes out of Jenkins, so that no job changes what an operator wants to see', async () => {
    const bench = benchWithNodes([HOLD, { state: 'ready' }]);

    await pass(bench);

    expect(bench.agents.nodenames).toEqual([nameOf(2)]);
    expect(bench.node().state).toBe('hold');
    expect(bench.cloud.calls).toEqual([]);
    expect(bench.log.messages('info')).toEqual(['Took held node id: 1 out of jenkins']);
  });

  test('lets a build that runs go on to its end, and gives it no other', async () => {
    const bench = benchWithNodes([HOLD]);
    bench.agents.startBuild(nameOf(1));

    await pass(bench);
    expect(bench.agents.agent(nameOf(1))).toMatchObject({ busy: true, temporarilyOffline: true });
    bench.agents.endBuild(nameOf(1));
    await pass(bench);

    expect(bench.agents.nodenames).toEqual([]);
    expect(bench.agents.killedBuilds).toEqual([]);
  });

  test('leaves an agent that its own job took offline: an operator may look at it too', async () => {
    const bench = benchWithNodes([HOLD]);
    bench.agents.endBuild(nameOf(1), 'offline');

    await pass(bench);

    expect(bench.agents.agent(nameOf(1)).offlineReason).toBe(OFFLINE_BY_GEARMAN);
    expect(bench.agents.calls).toEqual(['list']);
  });

  test('asks Jenkins once for all held nodes, and not at all where none is held', async () => {
    const held = benchWithNodes([HOLD, HOLD, HOLD]);
    for (const id of [1, 2, 3]) held.agents.drop(nameOf(id));
    const free = benchWithNodes([{ state: 'ready' }]);

    await pass(held);
    await pass(free);

    expect(held.agents.calls).toEqual(['list']);
    expect(free.agents.calls).toEqual([]);
  });

  test('says that Jenkins is away, and does it later', async () => {
    const bench = benchWithNodes([HOLD]);
    bench.agents.failNext('list', new TransientProviderError('503'));

    await pass(bench);
    expect(bench.log.messages('error')).toEqual(['Taking held nodes out of jenkins of fake-target failed']);
    await pass(bench);

    expect(bench.agents.nodenames).toEqual([]);
  });

  test('has nothing to do for a target without Jenkins', async () => {
    const target = definedOnly({ ...aTarget(), jenkins: undefined });
    const bench = benchWithNodes([HOLD], { config: { targets: [target] } });

    await pass(bench);

    expect(bench.agents.calls).toEqual([]);
  });
});

describe('a held node outlives', () => {
  test('all passes, whatever became of its agent', async () => {
    const bench = benchWithNodes([HOLD, HOLD, HOLD, HOLD]);
    bench.agents.startBuild(nameOf(1));
    bench.agents.endBuild(nameOf(2), 'offline');
    bench.agents.drop(nameOf(3));

    await settlePool(bench);

    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['hold', 'hold', 'hold', 'hold']);
    expect(bench.cloud.servers.size).toBe(4);
  });

  test('the loss of its server: only an operator ends a hold', async () => {
    const bench = benchWithNodes([HOLD]);
    bench.cloud.servers.remove('server-1');

    await settlePool(bench);

    expect(bench.node().state).toBe('hold');
  });
});
