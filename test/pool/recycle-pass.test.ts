import { describe, expect, test } from 'vitest';
import type { AllocationDeps } from '../../src/pool/allocation-pass.ts';
import { runAllocationPass } from '../../src/pool/allocation-pass.ts';
import { LaunchBreakers } from '../../src/pool/launch-breakers.ts';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { countSuperseded, runRecyclePass } from '../../src/pool/recycle-pass.ts';
import { runDeletionPass } from '../../src/pool/deletion-pass.ts';
import { aLabel } from '../builders/a-config.ts';
import { anImage } from '../builders/an-image.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { benchWithNodes, nameOf } from './bench-with-nodes.ts';
import type { PoolBench } from './pool-bench.ts';

const MINUTE_MS = 60_000;

/** Three nodes of image 1 wait, which is min-ready, and image 2 is new. */
async function aBench(recycleSuperseded: number): Promise<PoolBench> {
  const config = { labels: [aLabel({ minReady: 3, recycleSuperseded })] };
  const nodes = [1, 2, 3].map((n) => ({ imageId: 1, externalId: `old-${n}` }));
  const bench = benchWithNodes(nodes, { config });
  bench.images.put(anImage({ id: 2 }));
  bench.cloud.images.add({ id: 'image-2', name: 'template-trusty', status: 'active', properties: {} });
  await bench.clock.advance(MINUTE_MS);
  return bench;
}

async function recycle({ nodes, images, clock, log, farm }: PoolBench): Promise<void> {
  await runRecyclePass({ nodes, images, clock, log, farm: () => farm });
}

async function allocate(bench: PoolBench): Promise<void> {
  const { nodes, images, log } = bench;
  const deps: AllocationDeps = {
    ...{ nodes, log, breakers: new LaunchBreakers(bench) },
    farm: () => bench.farm,
    readState: async () => ({
      nodes: await nodes.count(),
      readyImages: new Map([['fake-provider', new Set(['trusty'])]]),
    }),
    demand: () => Promise.resolve(new Map()),
    isOnline: () => true,
    history: () => [],
    turn: () => 0,
    saveRound: () => Promise.resolve(),
    countSuperseded: (labels) => countSuperseded(labels, { nodes, images }),
  };
  await runAllocationPass(deps, neverAborted);
}

describe('ready nodes of an older image', () => {
  test('are replaced one by one, and never do fewer than min-ready wait', async () => {
    const bench = await aBench(1);
    const process = bench.startProcess();
    let fewest = Infinity;

    for (let minute = 0; minute < 12; minute += 1) {
      await allocate(bench);
      await runLaunchPass(process.launchPass, neverAborted);
      await process.launchPass.launches.settled();
      await recycle(bench);
      const now = bench.nodes.all();
      fewest = Math.min(fewest, now.filter(({ state }) => state === 'ready').length);
      expect(now.filter(({ state }) => state === 'delete').length).toBeLessThanOrEqual(1);
      await runDeletionPass(process.deletionPass, neverAborted);
      await process.deletionPass.deletions.settled();
      await bench.clock.advance(MINUTE_MS);
    }

    expect(bench.nodes.all().map(({ imageId, state }) => `${imageId} ${state}`)).toEqual([
      '2 ready',
      '2 ready',
      '2 ready',
    ]);
    expect(fewest).toBe(3);
    expect(bench.cloud.servers.size).toBe(3);
  });

  test('stay until a job takes them where the label does not ask for it', async () => {
    const bench = await aBench(0);
    bench.nodes.list = () => Promise.reject(new Error('Nobody needs that'));

    await allocate(bench);
    await recycle(bench);

    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['ready', 'ready', 'ready']);
  });

  test('say in their history why they go, and are guarded: a build that begins just then is not killed', async () => {
    const bench = await aBench(1);
    bench.config = { ...bench.config, labels: [aLabel({ minReady: 2, recycleSuperseded: 1 })] };
    const process = bench.startProcess();
    await recycle(bench);
    bench.agents.startBuild(nameOf(1));

    await runDeletionPass(process.deletionPass, neverAborted);
    await process.deletionPass.deletions.settled();

    expect(bench.node(1).state).toBe('delete');
    expect(bench.cloud.servers.size).toBe(3);
    expect(bench.history.all()).toContainEqual(
      expect.objectContaining({ who: 'recycler', why: 'Its image 1 (trusty) is superseded in fake-provider' }),
    );
  });

  test('are not touched when held, used or being deleted', async () => {
    const bench = await aBench(9);
    bench.config = { ...bench.config, labels: [aLabel({ minReady: 0, recycleSuperseded: 9 })] };
    for (const [id, state] of [
      [1, 'hold'],
      [2, 'used'],
    ] as const)
      bench.nodes.put({ ...bench.node(id), state });

    await recycle(bench);

    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['hold', 'used', 'delete']);
  });
});
