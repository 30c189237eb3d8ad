import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { type AllocationDeps, runAllocationPass } from '../../src/pool/allocation-pass.ts';
import { grantSmokeTests } from '../../src/pool/grant-smoke-tests.ts';
import { LaunchBreakers, providerKey, smokeKey } from '../../src/pool/launch-breakers.ts';
import { aLabel, aProvider, aProviderImage, aTarget } from '../builders/a-config.ts';
import { aNode, aReadyNode } from '../builders/a-node.ts';
import { anImage } from '../builders/an-image.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { PoolBench } from './pool-bench.ts';

const TESTED = [aProviderImage({ smokeTest: true })];

type Bench = { readonly pool: PoolBench; readonly breakers: LaunchBreakers; readonly pass: () => Promise<void> };

/** Image 1 serves and image 2 waits for its smoke test; min-ready is 1, unless told otherwise. */
function aBench(config: Partial<Config> = {}, demand: ReadonlyMap<string, number> = new Map()): Bench {
  const providers = [aProvider({ maxServers: 2, images: TESTED })];
  const pool = new PoolBench({ nodes: [], config: { providers, ...config } });
  pool.images.put(anImage({ id: 2, state: 'building', step: 'smoke-test' }));
  const breakers = new LaunchBreakers(pool);
  const { nodes, images, history, log } = pool;
  const isOnline = (target: string): boolean => target !== 'away';
  const deps: AllocationDeps = {
    ...{ nodes, log, breakers, isOnline },
    farm: () => pool.farm,
    readState: async () => ({
      nodes: await nodes.count(),
      readyImages: new Map([['fake-provider', new Set(['trusty'])]]),
    }),
    demand: () => Promise.resolve(demand),
    history: () => [],
    turn: () => 0,
    saveRound: () => Promise.resolve(),
    grantSmokeTests: (farm) => grantSmokeTests(farm, { nodes, images, history, log, breakers, isOnline }),
  };
  return {
    ...{ pool, breakers },
    pass: async () => {
      await runAllocationPass(deps, neverAborted);
    },
  };
}

function smokeNodes({ pool }: Bench): readonly object[] {
  return pool.nodes.all().flatMap(({ id, smokeImageId, state }) => (smokeImageId === undefined ? [] : [{ id, state }]));
}

describe('an image that waits for its smoke test', () => {
  test('gets one node, whose history and its own say so', async () => {
    const bench = aBench();

    await bench.pass();
    await bench.pass();

    expect(smokeNodes(bench)).toEqual([{ id: 1, state: 'building' }]);
    expect(bench.pool.node()).toMatchObject({ label: 'trusty', target: 'fake-target', smokeImageId: 2 });
    const told = bench.pool.history.all().map(({ subject, subjectId, why }) => `${subject} ${subjectId}: ${why}`);
    expect(told).toContain('node 1: Smoke test of image 2 (trusty)');
    expect(told).toContain('image 2: Waits for its smoke test: node 1 is launched from it');
  });

  test('gets the last free slot before jobs do, for it would wait for ever in a busy provider', async () => {
    const bench = aBench({}, new Map([['trusty', 9]]));
    bench.pool.nodes.put(aReadyNode({ id: 1, state: 'used' }));

    await bench.pass();

    expect(smokeNodes(bench)).toHaveLength(1);
    expect(bench.pool.nodes.all()).toHaveLength(2);
  });

  test('waits where the provider is full, so that max-servers holds', async () => {
    const bench = aBench();
    for (const id of [1, 2]) bench.pool.nodes.put(aReadyNode({ id, state: 'used' }));

    await bench.pass();

    expect(smokeNodes(bench)).toEqual([]);
  });

  test('takes no node from its label: min-ready is launched beside it', async () => {
    const bench = aBench({ labels: [aLabel({ minReady: 1 })] });

    await bench.pass();

    expect(bench.pool.nodes.all().map(({ smokeImageId }) => smokeImageId)).toEqual([2, undefined]);
  });

  test('gets the label with a ready script, which is what fails, and a target that is online', async () => {
    const labels = [
      aLabel({ name: 'off', minReady: -1, readyScript: 'off.sh' }),
      aLabel({ name: 'plain', minReady: 0 }),
      aLabel({ name: 'elsewhere', minReady: 0, readyScript: 'ready.sh', providers: [] }),
      aLabel({ name: 'scripted', minReady: 0, readyScript: 'ready.sh' }),
    ];
    const bench = aBench({ labels, targets: [aTarget({ name: 'away' }), aTarget({ name: 'there' })] });

    await bench.pass();

    expect(bench.pool.node()).toMatchObject({ label: 'scripted', target: 'there' });
  });

  test('waits while launches pause in the provider, or tests of that image do', async () => {
    const bench = aBench({ labels: [aLabel({ minReady: 0 })] });
    bench.breakers.noRoom(providerKey('fake-provider'), 'Quota exceeded');
    await bench.pass();
    expect(smokeNodes(bench)).toEqual([]);

    await bench.pool.clock.advance(60_000);
    for (let n = 0; n < 3; n += 1) bench.breakers.failed(smokeKey('fake-provider', 'trusty'), 'No valid host');
    await bench.pass();
    expect(smokeNodes(bench)).toEqual([]);

    await bench.pool.clock.advance(600_000);
    await bench.pass();
    expect(smokeNodes(bench)).toHaveLength(1);
  });

  test('gets another node when the one before failed, was held or was deleted', async () => {
    const bench = aBench({ labels: [aLabel({ minReady: 0 })] });
    bench.pool.nodes.put(aNode({ id: 1, smokeImageId: 2, state: 'hold' }));

    await bench.pass();

    expect(smokeNodes(bench)).toEqual([
      { id: 1, state: 'hold' },
      { id: 2, state: 'building' },
    ]);
  });

  test('gets none once a node came through', async () => {
    const bench = aBench({ labels: [aLabel({ minReady: 0 })] });
    await bench.pool.images.noteLaunch(2, 'launched', { who: 'launcher', why: 'test' });

    await bench.pass();

    expect(smokeNodes(bench)).toEqual([]);
  });

  test('and is deleted takes its node with it', async () => {
    const bench = aBench({ labels: [aLabel({ minReady: 0 })] });
    await bench.pass();
    bench.pool.images.put(anImage({ id: 2, state: 'delete', step: 'smoke-test' }));

    await bench.pass();

    expect(smokeNodes(bench)).toEqual([{ id: 1, state: 'delete' }]);
  });

  test('costs no statement where no section asks for it', async () => {
    const bench = aBench({ providers: [aProvider()] });
    bench.pool.images.list = () => Promise.reject(new Error('Nobody needs that'));

    await bench.pass();

    expect(smokeNodes(bench)).toEqual([]);
  });
});
