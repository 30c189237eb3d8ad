import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocate, type AllocationInput } from '../../src/allocation/allocate.ts';
import { type Room, slotsFor, totalSize } from '../../src/allocation/provider-room.ts';
import type { AllocationLabel, AllocationProvider } from '../../src/allocation/supply-and-deficit.ts';
import type { NodeCount } from '../../src/node/node-store.ts';

const SIZES = new Map([
  ['small', { cores: 1, ramMib: 1024 }],
  ['large', { cores: 8, ramMib: 4096 }],
]);

const aLabel = (name: string, label: Partial<AllocationLabel> = {}): AllocationLabel => ({
  ...{ name, image: name, minReady: 0, subnodes: 0, providers: ['p'] },
  ...label,
});

const aProvider = (provider: Partial<AllocationProvider> = {}): AllocationProvider => ({
  ...{ name: 'p', maxServers: 100, sizes: SIZES, readyImages: new Set(SIZES.keys()) },
  ...provider,
});

const aGroup = (label: string, count: number, group: Partial<NodeCount> = {}): NodeCount => ({
  ...{ provider: 'p', label, target: 't', state: 'used' as const, count, subnodes: 0 },
  ...group,
});

/** What is granted, as `10 small p`. */
function granted(input: Partial<AllocationInput>, demand: Readonly<Record<string, number>>): readonly string[] {
  const { grants } = allocate({
    providers: [aProvider()],
    targets: [{ name: 't', online: true }],
    labels: [aLabel('small'), aLabel('large')],
    nodes: [],
    demand: new Map(Object.entries(demand)),
    history: [],
    ...input,
  });
  return grants.map(({ count, label, provider }) => `${count} ${label} ${provider}`);
}

describe('limits of cores and memory', () => {
  test.each<[string, Partial<AllocationProvider>, readonly string[]]>([
    ['none', {}, ['10 large p']],
    ['cores for four', { limits: { cores: 39 } }, ['4 large p']],
    ['memory for three', { limits: { cores: 1000, ramMib: 3 * 4096 } }, ['3 large p']],
    ['slots for two', { limits: { cores: 39 }, maxServers: 2 }, ['2 large p']],
    ['no cores', { limits: { cores: 0 } }, []],
    ['fewer cores than are used already', { limits: { cores: -4 } }, []],
  ])('%s: so many nodes are granted of ten', (_, provider, expected) => {
    expect(granted({ providers: [aProvider(provider)] }, { large: 10 })).toEqual(expected);
  });

  test('leave what other nodes of the provider use, in any state and of any label, with their subnodes', () => {
    const providers = [aProvider({ limits: { cores: 40 } })];
    const nodes = [
      aGroup('small', 2, { state: 'delete' }),
      aGroup('small', 1, { subnodes: 5 }),
      aGroup('large', 100, { provider: 'another' }),
    ];

    expect(granted({ providers, nodes: [...nodes, aGroup('large', 1)] }, { large: 200 })).toEqual(['3 large p']);
  });

  test('count a node as the largest there is when its label is gone: a limit is rather kept', () => {
    const providers = [aProvider({ limits: { cores: 20 } })];

    expect(granted({ providers, nodes: [aGroup('removed', 2)] }, { small: 9 })).toEqual(['4 small p']);
  });

  test('do not hide that an image has no flavor: its launch fails and says so', () => {
    const providers = [aProvider({ limits: { cores: 8 }, sizes: new Map([['large', { cores: 8, ramMib: 4096 }]]) })];

    expect(granted({ providers }, { small: 9 })).toEqual(['9 small p']);
  });

  test('send a label to where its servers fit, though slots are free elsewhere', () => {
    const providers = [
      aProvider({ name: 'full', limits: { cores: 3 } }),
      aProvider({ name: 'roomy', maxServers: 2, limits: { cores: 100 } }),
    ];
    const labels = [aLabel('large', { providers: ['full', 'roomy'] })];

    expect(granted({ providers, labels }, { large: 2 })).toEqual(['2 large roomy']);
  });

  test('are kept by all labels together, with their subnodes', () => {
    const providers = [aProvider({ limits: { cores: 30 } })];
    const labels = [aLabel('small', { subnodes: 2 }), aLabel('large')];

    const cores = granted({ providers, labels }, { small: 50, large: 50 }).map((grant) => {
      const [count, label] = grant.split(' ');
      return Number(count) * (label === 'small' ? 3 : 8);
    });

    expect(cores.length).toBeGreaterThan(0);
    expect(cores.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(30);
  });

  test('count when min-ready is weighed: it is left out where they do not hold all of it', () => {
    const { explanations } = allocate({
      providers: [aProvider({ limits: { cores: 16 } })],
      targets: [{ name: 't', online: true }],
      labels: [aLabel('large', { minReady: 3 })],
      nodes: [],
      demand: new Map([['large', 1]]),
      history: [],
    });

    expect(explanations).toMatchObject([{ capacity: 2, deficit: 1, granted: 1 }]);
  });
});

test('no grants of a pass ever exceed what the limits leave, whatever is asked for', () => {
  const anyNumber = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
  const anyProvider = fc.record({ maxServers: anyNumber(60), cores: anyNumber(120), ramMib: anyNumber(60_000) });
  const anyFarm = fc.record({
    providers: fc.array(anyProvider, { minLength: 1, maxLength: 3 }),
    used: fc.array(anyNumber(8), { minLength: 2, maxLength: 2 }),
    wanted: fc.array(anyNumber(80), { minLength: 2, maxLength: 2 }),
    subnodes: anyNumber(2),
  });

  fc.assert(
    fc.property(
      anyFarm,
      ({ providers, used: [usedSmall = 0, usedLarge = 0], wanted: [small = 0, large = 0], subnodes }) => {
        const names = providers.map((_, index) => `p${index}`);
        const labels = [aLabel('small', { providers: names, subnodes }), aLabel('large', { providers: names })];
        const grants = granted(
          {
            labels,
            nodes: names.flatMap((provider) => [
              aGroup('small', usedSmall, { provider, state: 'hold' }),
              aGroup('large', usedLarge, { provider, state: 'hold' }),
            ]),
            providers: providers.map(({ maxServers, ...limits }, index) => {
              return aProvider({ name: `p${index}`, maxServers, limits });
            }),
          },
          { small, large },
        );

        for (const [index, { maxServers, cores, ramMib }] of providers.entries()) {
          const own = grants.filter((grant) => grant.endsWith(` p${index}`)).map((grant) => grant.split(' '));
          const countOf = (label: string): number =>
            own.filter(([, name]) => name === label).reduce((sum, [count]) => sum + Number(count), 0);
          const groups = [
            { image: 'small', count: usedSmall + countOf('small') * (1 + subnodes) },
            { image: 'large', count: usedLarge + countOf('large') },
          ];
          const taken = totalSize(groups, SIZES);
          if (own.length === 0) continue;
          expect(taken.cores).toBeLessThanOrEqual(cores);
          expect(taken.ramMib).toBeLessThanOrEqual(ramMib);
          expect(groups.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(maxServers);
        }
      },
    ),
  );
});

describe('the room in a provider', () => {
  const room: Room = { slots: 5, cores: 16, ramMib: Infinity };

  test('holds what fits by each of its bounds; a size of nothing is bounded by slots alone', () => {
    expect(slotsFor(room, { cores: 4, ramMib: 1_000_000 })).toBe(4);
    expect(slotsFor(room, { cores: 0, ramMib: 0 })).toBe(5);
    expect(slotsFor({ ...room, cores: -3 }, { cores: 1, ramMib: 0 })).toBe(0);
    expect(slotsFor(room, undefined)).toBe(5);
  });

  test('is used by each group at the size of its image', () => {
    const groups = [
      { image: 'small', count: 3 },
      { image: undefined, count: 1 },
    ];

    expect(totalSize(groups, SIZES)).toEqual({ cores: 11, ramMib: 3 * 1024 + 4096 });
    expect(totalSize(groups, new Map())).toEqual({ cores: 0, ramMib: 0 });
  });
});
