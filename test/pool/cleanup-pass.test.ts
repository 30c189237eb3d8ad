import { describe, expect, test } from 'vitest';
import type { Node } from '../../src/node/node.ts';
import { runCleanupPass } from '../../src/pool/cleanup-pass.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { runDeletionPass } from '../../src/pool/deletion-pass.ts';
import { benchWithNodes, nameOf } from './bench-with-nodes.ts';
import { Life } from './life.ts';
import type { PoolBench } from './pool-bench.ts';

/** `hours` before the bench's clock. */
function since(hours: number): Partial<Node> {
  return { stateChangedAt: new Date(Date.UTC(2026, 0, 1) - hours * 3_600_000) };
}

async function pass(bench: PoolBench, maxHoldAgeMs = 0): Promise<void> {
  const { clock, log } = bench;
  await runCleanupPass({ nodes: bench.wrap(bench.nodes), clock, log, maxHoldAgeMs: () => maxHoldAgeMs });
}

describe('the cleanup pass', () => {
  test.each([
    ['building', 8],
    ['used', 8],
    ['test', 5 / 60],
  ] as const)('marks what is longer in %s than it may', async (state, hours) => {
    const bench = benchWithNodes([
      { state, ...since(hours) },
      { state, ...since(hours + 0.01) },
    ]);

    await pass(bench);

    expect(bench.nodes.all().map((node) => node.state)).toEqual([state, 'delete']);
    expect(bench.log.messages('warn')).toEqual(['Node id: 2 is overdue and goes']);
  });

  test('says why in the history', async () => {
    const bench = benchWithNodes([{ state: 'used', ...since(9.5) }]);

    await pass(bench);

    expect(bench.history.all()).toMatchObject([
      { event: 'overdue', who: 'cleanup', why: 'It has been in state "used" for 9.5 h' },
    ]);
  });

  test('leaves nodes that wait for a job, or for an operator, for ever', async () => {
    const bench = benchWithNodes([
      { state: 'ready', ...since(10_000) },
      { state: 'hold', ...since(10_000) },
    ]);

    await pass(bench);

    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['ready', 'hold']);
  });

  test('ends a hold after max-hold-age, where it is configured', async () => {
    const bench = benchWithNodes([
      { state: 'hold', ...since(1) },
      { state: 'hold', ...since(1.01) },
    ]);

    await pass(bench, 3_600_000);

    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['hold', 'delete']);
  });

  test('does not end the build that runs on an overdue node: it goes when the build ends', async () => {
    const bench = benchWithNodes([{ state: 'used', ...since(9) }]);
    bench.agents.startBuild(nameOf(1));
    const { deletionPass } = bench.startProcess();

    await pass(bench);
    await runDeletionPass(deletionPass, neverAborted);
    await deletionPass.deletions.settled();
    expect(bench.agents.agent(nameOf(1))).toMatchObject({ busy: true, temporarilyOffline: true });
    bench.agents.endBuild(nameOf(1));
    await bench.clock.advance(1000);
    await runDeletionPass(deletionPass, neverAborted);
    await deletionPass.deletions.settled();

    expect(bench.nodes.all()).toEqual([]);
    expect(bench.agents.killedBuilds).toEqual([]);
  });

  test('leaves a node that was held, or used, since it was listed', async () => {
    const bench = benchWithNodes([{ state: 'used', ...since(9) }]);
    const life = new Life();
    life.beforeCall = async (_count, name) => {
      if (name === 'apply') await bench.nodes.apply(bench.node(), 'held', { who: 'cli:root', why: 'test' });
    };
    bench.wrap = life.wrap;

    await pass(bench);

    expect(bench.node().state).toBe('hold');
    expect(bench.log.messages('warn')).toEqual([]);
  });
});
