import { expect, test } from 'vitest';
import { allocate, type AllocationInput } from '../../src/allocation/allocate.ts';
import { describeLabel } from '../../src/allocation/label-explanation.ts';
import type { AllocationLabel } from '../../src/allocation/supply-and-deficit.ts';

const aLabel = (label: Partial<AllocationLabel> = {}): AllocationLabel => ({
  name: 'l',
  image: 'i',
  minReady: 2,
  subnodes: 0,
  providers: ['p'],
  ...label,
});

const anInput = (input: Partial<AllocationInput> = {}): AllocationInput => ({
  providers: [{ name: 'p', maxServers: 10, readyImages: new Set(['i']) }],
  targets: [{ name: 't', online: true }],
  labels: [aLabel()],
  nodes: [],
  demand: new Map(),
  history: [],
  ...input,
});

const aGroup = { provider: 'p', label: 'l', target: 't', state: 'ready', count: 1, subnodes: 0 } as const;

test('an empty pool is filled to min-ready', () => {
  const { grants, round } = allocate(anInput());

  expect(grants).toEqual([{ label: 'l', provider: 'p', target: 't', count: 2 }]);
  expect(round).toEqual(new Map([['l', { requested: 2, granted: 2 }]]));
});

test('an offline target gets nothing, its nodes are no supply and yet take slots', () => {
  const targets = [
    { name: 'quiet', online: false },
    { name: 't', online: true },
  ];
  const nodes = [{ ...aGroup, target: 'quiet', count: 9 }];

  const { grants, available } = allocate(anInput({ targets, nodes, labels: [aLabel({ minReady: 1 })] }));

  expect(available).toEqual(new Map([['p', 1]]));
  expect(grants).toEqual([{ label: 'l', provider: 'p', target: 't', count: 1 }]);
});

test('a provider without the image serves nobody, but its slots count when min-ready is weighed', () => {
  const providers = [
    { name: 'p', maxServers: 1, readyImages: new Set(['i']) },
    { name: 'q', maxServers: 5, readyImages: new Set<string>() },
  ];

  const { grants, explanations } = allocate(anInput({ providers, labels: [aLabel({ providers: ['q', 'p', 'x'] })] }));

  expect(grants).toEqual([{ label: 'l', provider: 'p', target: 't', count: 1 }]);
  expect(explanations[0]).toMatchObject({
    capacity: 6,
    deficit: 2,
    granted: 1,
    usableProviders: ['p'],
    providersWithoutImage: ['q'],
    unknownProviders: ['x'],
    outcome: 'partly-granted',
  });
});

test('demand for a label that is not configured is ignored', () => {
  expect(allocate(anInput({ demand: new Map([['other', 5]]), labels: [] })).grants).toEqual([]);
});

test.each([
  { outcome: 'off', input: { labels: [aLabel({ minReady: -1 })], demand: new Map([['l', 3]]) } },
  { outcome: 'enough', input: { nodes: [{ ...aGroup, count: 2 }] } },
  { outcome: 'min-ready-dropped', input: { nodes: [{ ...aGroup, label: 'other', count: 9 }] } },
  { outcome: 'no-target', input: { targets: [{ name: 't', online: false }] } },
  { outcome: 'no-image', input: { labels: [aLabel({ image: 'j' })] } },
  { outcome: 'granted', input: {} },
  { outcome: 'partly-granted', input: { demand: new Map([['l', 12]]) } },
  { outcome: 'no-room', input: { nodes: [{ ...aGroup, label: 'other', count: 10 }], demand: new Map([['l', 1]]) } },
])('the explanation of a label says "$outcome"', ({ outcome, input }) => {
  expect(allocate(anInput(input)).explanations[0]?.outcome).toBe(outcome);
});

test('an explanation reads as one line with all its numbers', () => {
  const history = [new Map([['l', { requested: 1, granted: 0 }]])];
  const providers = [
    { name: 'p', maxServers: 3, readyImages: new Set(['i']) },
    { name: 'q', maxServers: 0, readyImages: new Set<string>() },
  ];
  const labels = [aLabel({ providers: ['p', 'q'] })];

  const [explanation] = allocate(anInput({ providers, labels, history, demand: new Map([['l', 1]]) })).explanations;

  expect(explanation && describeLabel(explanation)).toBe(
    'Label "l" lacks 3 (demand 1, min-ready 2, supply 0, capacity 3, waited 1 rounds), granted 3: ' +
      'all of it is granted; no ready image in "q"',
  );
});
