import { describe, expect, test } from 'vitest';
import type { AllocationRound } from '../../src/allocation/allocation-history.ts';
import { type AllocationDeps, runAllocationPass } from '../../src/pool/allocation-pass.ts';
import type { ProviderConfig } from '../../src/config/config.ts';
import { LaunchBreakers, providerKey } from '../../src/pool/launch-breakers.ts';
import { QuotaBook } from '../../src/pool/quota-book.ts';
import { aLabel, aProvider } from '../builders/a-config.ts';
import { aNode } from '../builders/a-node.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { PoolBench, type PoolBenchOptions } from './pool-bench.ts';

type AllocationBench = { readonly pool: PoolBench; readonly deps: AllocationDeps; readonly rounds: AllocationRound[] };

/** A farm without nodes, whose image is ready. */
function aBench(options: PoolBenchOptions = {}, deps: Partial<AllocationDeps> = {}): AllocationBench {
  const pool = new PoolBench({ nodes: [], ...options });
  const rounds: AllocationRound[] = [];
  return {
    ...{ pool, rounds },
    deps: {
      farm: () => pool.farm,
      nodes: pool.nodes,
      readState: async () => ({
        nodes: await pool.nodes.count(),
        readyImages: new Map([['fake-provider', new Set(['trusty'])]]),
      }),
      demand: () => Promise.resolve(new Map()),
      isOnline: () => true,
      breakers: new LaunchBreakers(pool),
      history: () => rounds,
      turn: () => 0,
      saveRound: (round) => Promise.resolve(void rounds.push(round)),
      log: pool.log,
      ...deps,
    },
  };
}

describe('the allocation pass', () => {
  test('inserts a row for each node that min-ready lacks, and says so in upstream’s words', async () => {
    const { pool, deps } = aBench({ config: { labels: [aLabel({ minReady: 3 })] } });

    await runAllocationPass(deps, neverAborted);

    expect(pool.nodes.all()).toMatchObject(
      [1, 2, 3].map(() => ({
        ...{ provider: 'fake-provider', label: 'trusty', target: 'fake-target' },
        state: 'building',
      })),
    );
    expect(pool.log.messages('info')).toEqual(['Need to launch 3 trusty nodes for fake-target on fake-provider']);
    expect(pool.history.all()).toMatchObject([1, 2, 3].map((id) => ({ subjectId: id, who: 'allocator' })));
  });

  test('asks for no more while those are being launched', async () => {
    const { pool, deps } = aBench();

    await runAllocationPass(deps, neverAborted);
    await runAllocationPass(deps, neverAborted);

    expect(pool.nodes.all()).toHaveLength(1);
  });

  test('answers demand on top of min-ready, up to what the provider may hold', async () => {
    const providers = [aProvider({ maxServers: 4 })];
    const { pool, deps } = aBench(
      { config: { providers } },
      { demand: () => Promise.resolve(new Map([['trusty', 9]])) },
    );

    await runAllocationPass(deps, neverAborted);

    expect(pool.nodes.all()).toHaveLength(4);
  });

  test('launches nothing for a target that is offline', async () => {
    const { pool, deps } = aBench({}, { isOnline: () => false });

    await runAllocationPass(deps, neverAborted);

    expect(pool.nodes.all()).toEqual([]);
  });

  test('launches nothing of an image that is not ready', async () => {
    const { pool, deps } = aBench({}, { readState: () => Promise.resolve({ nodes: [], readyImages: new Map() }) });

    await runAllocationPass(deps, neverAborted);

    expect(pool.nodes.all()).toEqual([]);
  });

  test('launches nothing where launches pause, then one to see, though three are wanted', async () => {
    const { pool, deps } = aBench({ config: { labels: [aLabel({ minReady: 3 })] } });
    for (let n = 0; n < 3; n += 1) deps.breakers.failed(providerKey('fake-provider'), 'Nova is away');

    await runAllocationPass(deps, neverAborted);
    expect(pool.nodes.all()).toEqual([]);
    await pool.clock.advance(15_000);
    await runAllocationPass(deps, neverAborted);
    await runAllocationPass(deps, neverAborted);

    expect(pool.nodes.all()).toHaveLength(1);
  });

  test('warns of a provider that holds more than it may', async () => {
    const nodes = [1, 2, 3].map((id) => aNode({ id, state: 'used' }));
    const { pool, deps } = aBench({ nodes, config: { providers: [aProvider({ maxServers: 2 })] } });

    await runAllocationPass(deps, neverAborted);

    expect(pool.log.messages('warn')).toEqual(['Provider fake-provider over-allocated: max-servers 2 but counted 3']);
    expect(pool.nodes.all()).toHaveLength(3);
  });

  test.each<{ bound: string; own: Partial<ProviderConfig>; clouds?: number; expected: number }>([
    { bound: 'max-cores', own: { maxCores: 30 }, expected: 3 },
    { bound: 'max-ram', own: { maxRamMib: 16_384 }, expected: 2 },
    { bound: "the cloud's quota of cores where that is less", own: { maxCores: 30 }, clouds: 20, expected: 2 },
    { bound: "the cloud's quota alone", own: {}, clouds: 8, expected: 1 },
  ])('launches as many as fit into $bound', async ({ own, clouds, expected }) => {
    const quotas = new QuotaBook();
    quotas.note('fake-provider', {
      limits: { usedInstances: 0, usedCores: 0, usedRamMib: 0, ...(clouds !== undefined && { maxCores: clouds }) },
      others: 0,
      othersSize: { cores: 0, ramMib: 0 },
      sizes: new Map([['trusty', { cores: 8, ramMib: 8192 }]]),
    });
    const config = { providers: [aProvider(own)] };
    const { pool, deps } = aBench({ config }, { quotas, demand: () => Promise.resolve(new Map([['trusty', 9]])) });

    await runAllocationPass(deps, neverAborted);
    await runAllocationPass(deps, neverAborted);

    expect(pool.nodes.all()).toHaveLength(expected);
  });

  test.each([{ maxCores: 1000 }, { maxRamMib: 1_000_000 }])(
    'launches nothing where %j bounds and the flavors were not read yet',
    async (bound) => {
      const { pool, deps } = aBench({ config: { providers: [aProvider(bound)] } }, { quotas: new QuotaBook() });

      await runAllocationPass(deps, neverAborted);

      expect(pool.nodes.all()).toEqual([]);
    },
  );

  test('keeps the round, for the fairness of later ones', async () => {
    const { deps, rounds } = aBench();

    await runAllocationPass(deps, neverAborted);

    expect(rounds).toHaveLength(1);
  });

  test('gives each of many labels its turn where one slot at a time is free, however fast the passes come', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const labels = names.map((name) => aLabel({ name, minReady: 0 }));
    const demand = new Map(names.map((name) => [name, 3]));
    let turns = 0;
    const config = { labels, providers: [aProvider({ maxServers: 1 })] };
    const facts = { history: () => [], turn: () => turns++, demand: () => Promise.resolve(demand) };
    const { pool, deps } = aBench({ config }, facts);
    const launched: string[] = [];

    for (let pass = 0; pass < 60; pass += 1) {
      await runAllocationPass(deps, neverAborted);
      for (const node of pool.nodes.all()) {
        launched.push(node.label);
        await pool.nodes.remove(node, { who: 'test', why: 'Its job was short' });
      }
    }

    expect(names.map((name) => launched.filter((label) => label === name).length)).toEqual([10, 10, 10, 10, 10, 10]);
  });

  test('launches nothing for a job that ends between the looks at queue and nodes', async () => {
    const { pool, deps } = aBench(
      { config: { labels: [aLabel({ minReady: 0 })] } },
      {
        demand: async () => {
          const demand = new Map([['trusty', 1]]);
          for (const node of pool.nodes.all()) await pool.nodes.remove(node, { who: 'test', why: 'Its job ended' });
          return demand;
        },
      },
    );
    pool.nodes.put(aNode({ state: 'used' }));

    await runAllocationPass(deps, neverAborted);

    expect(pool.nodes.all()).toEqual([]);
  });

  test('inserts nothing where demand is not known because the process stops', async () => {
    const { pool, deps } = aBench({}, { demand: () => Promise.reject(new Error('Stopping')) });

    await expect(runAllocationPass(deps, neverAborted)).rejects.toThrow('Stopping');

    expect(pool.nodes.all()).toEqual([]);
  });
});
