import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocate, type AllocationInput, type AllocationResult } from '../../src/allocation/allocate.ts';
import { type AllocationRound, withRound } from '../../src/allocation/allocation-history.ts';
import { grantRequests } from '../../src/allocation/grant-requests.ts';
import { countServers } from '../../src/allocation/supply-and-deficit.ts';
import { NODE_STATES } from '../../src/node/lifecycle.ts';

const RUNS = { numRuns: 500 };
const PROVIDERS = ['p1', 'p2', 'p3', 'p4'];
const TARGETS = ['t1', 't2', 't3'];
const LABELS = ['l1', 'l2', 'l3', 'l4', 'l5'];
const IMAGES = ['i1', 'i2'];

const providers = fc.subarray(PROVIDERS).chain((names) =>
  fc.tuple(
    ...names.map((name) =>
      fc.record({
        name: fc.constant(name),
        maxServers: fc.integer({ min: -1, max: 30 }),
        readyImages: fc.subarray(IMAGES).map((images) => new Set(images)),
      }),
    ),
  ),
);
const targets = fc
  .subarray(TARGETS)
  .chain((names) => fc.tuple(...names.map((name) => fc.record({ name: fc.constant(name), online: fc.boolean() }))));
const labels = fc.subarray(LABELS).chain((names) =>
  fc.tuple(
    ...names.map((name) =>
      fc.record({
        name: fc.constant(name),
        image: fc.constantFrom(...IMAGES),
        minReady: fc.integer({ min: -1, max: 6 }),
        subnodes: fc.integer({ min: 0, max: 4 }),
        providers: fc.shuffledSubarray(PROVIDERS),
      }),
    ),
  ),
);
const nodes = fc.array(
  fc.record({
    provider: fc.constantFrom(...PROVIDERS, 'gone'),
    label: fc.constantFrom(...LABELS, 'gone'),
    target: fc.constantFrom(...TARGETS, 'gone'),
    state: fc.constantFrom(...NODE_STATES),
    count: fc.integer({ min: 1, max: 5 }),
    subnodes: fc.integer({ min: 0, max: 8 }),
  }),
);
const demand = fc
  .array(fc.tuple(fc.constantFrom(...LABELS), fc.integer({ min: 0, max: 40 })))
  .map((entries) => new Map(entries));
const round = fc
  .array(
    fc.tuple(
      fc.constantFrom(...LABELS),
      fc.record({ requested: fc.integer({ min: 0, max: 3 }), granted: fc.integer({ min: 0, max: 1 }) }),
    ),
  )
  .map((entries): AllocationRound => new Map(entries));
const input: fc.Arbitrary<AllocationInput> = fc.record({
  providers,
  targets,
  labels,
  nodes,
  demand,
  history: fc.array(round, { maxLength: 5 }),
});

const sumBy = (result: AllocationResult, key: 'label' | 'provider', weight: (label: string) => number) => {
  const sums = new Map<string, number>();
  for (const grant of result.grants) {
    sums.set(grant[key], (sums.get(grant[key]) ?? 0) + grant.count * weight(grant.label));
  }
  return sums;
};

describe('in every pass', () => {
  test('no provider gets more servers than max-servers allows, subnodes included', () => {
    fc.assert(
      fc.property(input, (pass) => {
        const slots = new Map(pass.labels.map((label) => [label.name, 1 + label.subnodes]));
        const used = sumBy(allocate(pass), 'provider', (label) => slots.get(label) ?? 1);
        const servers = countServers(pass.nodes);

        for (const provider of pass.providers) {
          const granted = used.get(provider.name) ?? 0;
          if (granted > 0) expect((servers.get(provider.name) ?? 0) + granted).toBeLessThanOrEqual(provider.maxServers);
        }
      }),
      RUNS,
    );
  });

  test('no label gets more than it lacks, and the record says what it got', () => {
    fc.assert(
      fc.property(input, (pass) => {
        const result = allocate(pass);
        const granted = sumBy(result, 'label', () => 1);

        for (const { label, deficit } of result.explanations) {
          expect(granted.get(label) ?? 0).toBeLessThanOrEqual(deficit);
          expect(result.round.get(label)?.granted ?? 0).toBe(granted.get(label) ?? 0);
        }
      }),
      RUNS,
    );
  });

  test('grants name online targets and usable providers only, and are whole nodes', () => {
    fc.assert(
      fc.property(input, (pass) => {
        const online = new Set(pass.targets.filter((target) => target.online).map((target) => target.name));
        const { grants, explanations } = allocate(pass);
        const usable = new Map(explanations.map((label) => [label.label, label.usableProviders]));

        for (const grant of grants) {
          expect(online).toContain(grant.target);
          expect(usable.get(grant.label)).toContain(grant.provider);
          expect(Number.isInteger(grant.count) && grant.count > 0).toBe(true);
        }
      }),
      RUNS,
    );
  });

  test('neither the order of node rows nor that of the providers of a label matters', () => {
    const shuffled = input.chain((pass) =>
      fc.record({
        pass: fc.constant(pass),
        nodes: fc.shuffledSubarray([...pass.nodes], { minLength: pass.nodes.length }),
        labels: fc.tuple(
          ...pass.labels.map((label) =>
            fc
              .shuffledSubarray([...label.providers], { minLength: label.providers.length })
              .map((names) => ({ ...label, providers: names })),
          ),
        ),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ pass, ...reordered }) => {
        const usual = allocate(pass);
        const other = allocate({ ...pass, ...reordered });

        expect(other.grants).toEqual(usual.grants);
        expect(other.round).toEqual(usual.round);
      }),
      RUNS,
    );
  });

  test('one grouped row means the same as many single ones', () => {
    fc.assert(
      fc.property(input, (pass) => {
        const single = pass.nodes.flatMap((group) => [
          { ...group, count: 1 },
          ...Array.from({ length: group.count - 1 }, () => ({ ...group, count: 1, subnodes: 0 })),
        ]);

        expect(allocate({ ...pass, nodes: single }).grants).toEqual(allocate(pass).grants);
      }),
      RUNS,
    );
  });
});

test('every label that waits is served in the end, however small its part and few the slots', () => {
  const contention = fc.record({
    available: fc
      .array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 })
      .filter((all) => all.some(Boolean)),
    requested: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }),
  });
  fc.assert(
    fc.property(contention, ({ available, requested }) => {
      const names = available.map((_, index) => `p${index}`);
      const pass = {
        providers: available.map((slots, index) => ({ name: `p${index}`, available: slots })),
        targets: ['t'],
        labels: requested.map((nodes, index) => ({
          label: `l${index}`,
          requested: nodes,
          subnodes: 0,
          providers: names,
          current: new Map<string, number>(),
        })),
      };
      const served = new Set<string>();
      let history: AllocationRound[] = [];
      for (let rounds = 0; rounds < 2 * requested.length; rounds += 1) {
        const result = grantRequests({ ...pass, history });
        for (const grant of result.grants) served.add(grant.label);
        history = withRound(history, result.round);
      }

      expect(served.size).toBe(requested.length);
    }),
    { numRuns: 200 },
  );
});
