import { expect, test } from 'vitest';
import {
  type AllocationLabel,
  availableSlots,
  countByTarget,
  countServers,
  countSupply,
  deficitOf,
  findOverAllocations,
  withPendingSubnodes,
} from '../../src/allocation/supply-and-deficit.ts';
import { NODE_STATES } from '../../src/node/lifecycle.ts';
import type { NodeCount } from '../../src/node/node-store.ts';

const aGroup = (group: Partial<NodeCount> = {}): NodeCount => ({
  provider: 'p',
  label: 'l',
  target: 't',
  state: 'ready',
  count: 1,
  subnodes: 0,
  ...group,
});

test('servers of a provider are all its rows and subnode rows, for each is a server until its row is gone', () => {
  const nodes = NODE_STATES.map((state) => aGroup({ state, count: 2, subnodes: 3, target: 'gone', label: 'removed' }));

  expect(countServers([...nodes, aGroup({ provider: 'q' })])).toEqual(
    new Map([
      ['p', 30],
      ['q', 1],
    ]),
  );
});

test('supply is what runs jobs or will on online targets: neither held nor deleted nodes, and no subnodes', () => {
  const nodes = NODE_STATES.map((state) => aGroup({ state, subnodes: 5 }));
  const offline = aGroup({ target: 'quiet' });

  expect(countSupply([...nodes, offline], new Set(['t']))).toEqual(new Map([['l', 4]]));
});

test('nodes by target count every state and provider, for targets are evened out by what stands there', () => {
  const nodes = [aGroup({ state: 'hold' }), aGroup({ provider: 'q', count: 2, subnodes: 4 }), aGroup({ target: 'u' })];

  expect(countByTarget(nodes)).toEqual(
    new Map([
      [
        'l',
        new Map([
          ['t', 3],
          ['u', 1],
        ]),
      ],
    ]),
  );
});

test.each([
  { maxServers: 10, servers: 4, slots: 6 },
  { maxServers: 4, servers: 10, slots: 0 },
  { maxServers: 0, servers: 0, slots: 0 },
  { maxServers: -1, servers: 0, slots: 0 },
])('a provider of $maxServers with $servers servers has $slots free slots', ({ maxServers, servers, slots }) => {
  expect(availableSlots({ maxServers }, servers)).toBe(slots);
});

test.each([
  { quota: 6, slots: 2, why: 'the quota is less' },
  { quota: 12, slots: 6, why: 'max-servers is less' },
  { quota: 0, slots: 0, why: 'others have it all' },
])('a quota of $quota for 10 servers, 4 of them there, leaves $slots slots: $why', ({ quota, slots }) => {
  expect(availableSlots({ maxServers: 10, quota }, 4)).toBe(slots);
});

test('over-allocated are providers with too many servers, not those that are drained and empty', () => {
  const providers = [
    { name: 'full', maxServers: 2, readyImages: new Set<string>() },
    { name: 'over', maxServers: 2, readyImages: new Set<string>() },
    { name: 'empty', maxServers: -1, readyImages: new Set<string>() },
  ];
  const servers = new Map([
    ['full', 2],
    ['over', 3],
  ]);

  expect(findOverAllocations(providers, servers)).toEqual([{ provider: 'over', maxServers: 2, counted: 3 }]);
});

test.each([
  { why: 'min-ready on top of demand', demand: 3, minReady: 2, supply: 1, capacity: 10, deficit: 4 },
  { why: 'surplus supply counts against min-ready', demand: 0, minReady: 2, supply: 1, capacity: 10, deficit: 1 },
  { why: 'enough supply', demand: 1, minReady: 2, supply: 5, capacity: 10, deficit: 0 },
  { why: 'min-ready just fits', demand: 3, minReady: 2, supply: 1, capacity: 4, deficit: 4 },
  { why: 'min-ready does not fit, so none of it counts', demand: 3, minReady: 2, supply: 1, capacity: 3, deficit: 2 },
  { why: 'demand beyond capacity stands', demand: 9, minReady: 2, supply: 0, capacity: 3, deficit: 9 },
  {
    why: 'a label that is off launches nothing, whatever waits',
    demand: 9,
    minReady: -1,
    supply: 0,
    capacity: 20,
    deficit: 0,
  },
])('the deficit is $deficit: $why', ({ deficit, ...label }) => {
  expect(deficitOf(label)).toBe(deficit);
});

test('pending subnodes are counted for building nodes only, as their servers will be there in a moment', () => {
  const labels: AllocationLabel[] = [{ name: 'l', image: 'i', minReady: 1, subnodes: 2, providers: ['p'] }];
  const nodes = [
    aGroup({ state: 'building', count: 3, subnodes: 1 }),
    aGroup({ state: 'ready', count: 3, subnodes: 1 }),
    aGroup({ state: 'building', label: 'removed', count: 3, subnodes: 1 }),
  ];

  expect(withPendingSubnodes(nodes, labels).map((group) => group.subnodes)).toEqual([6, 1, 1]);
});
