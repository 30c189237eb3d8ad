import { describe, expect, test } from 'vitest';
import { ROUNDS_KEPT, waitedRounds, withRound } from '../../src/allocation/allocation-history.ts';
import { type GrantInput, grantRequests, type LabelRequest } from '../../src/allocation/grant-requests.ts';
import { spreadOverTargets } from '../../src/allocation/spread-over-targets.ts';

const aRequest = (request: Partial<LabelRequest> = {}): LabelRequest => ({
  label: 'l',
  requested: 1,
  subnodes: 0,
  providers: ['p'],
  current: new Map(),
  ...request,
});

const anInput = (input: Partial<GrantInput> = {}): GrantInput => ({
  providers: [{ name: 'p', available: 10 }],
  targets: ['t'],
  labels: [aRequest()],
  history: [],
  ...input,
});

const rowsOf = (input: GrantInput): string[] =>
  grantRequests(input).grants.map((g) => `${g.count} ${g.label} ${g.provider} ${g.target}`);

const waited = (...labels: string[]) => new Map(labels.map((label) => [label, { requested: 1, granted: 0 }]));

describe('grants', () => {
  test('fit into the free slots with all their subnodes (upstream makes 6 servers here)', () => {
    const labels = [aRequest({ requested: 2, subnodes: 2 })];

    expect(rowsOf(anInput({ providers: [{ name: 'p', available: 2 }], labels }))).toEqual([]);
    expect(rowsOf(anInput({ providers: [{ name: 'p', available: 5 }], labels }))).toEqual(['1 l p t']);
  });

  test('follow shares that were computed when all requests stood', () => {
    const providers = [
      { name: 'p1', available: 10 },
      { name: 'p2', available: 10 },
    ];
    const labels = [
      aRequest({ label: 'l1', requested: 6, providers: ['p1'] }),
      aRequest({ label: 'l2', requested: 8, providers: ['p1', 'p2'] }),
    ];

    expect(rowsOf(anInput({ providers, labels }))).toEqual(['6 l1 p1 t', '4 l2 p1 t', '4 l2 p2 t']);
  });

  test('go first to the label that waited longest', () => {
    const labels = ['a', 'b', 'c'].map((label) => aRequest({ label }));
    const history = [waited('b', 'c'), waited('c')];

    expect(rowsOf(anInput({ providers: [{ name: 'p', available: 1 }], labels, history }))).toEqual(['1 c p t']);
  });

  test('pass on the share of a waiting label that is below one, so that it is served by the next provider', () => {
    const providers = [
      { name: 'p1', available: 1 },
      { name: 'p2', available: 1 },
    ];
    const labels = [aRequest({ providers: ['p1', 'p2'] })];

    expect(rowsOf(anInput({ providers, labels, history: [waited('l')] }))).toEqual(['1 l p2 t']);
  });

  test('go first to labels with fewer other providers', () => {
    const providers = [
      { name: 'p1', available: 2 },
      { name: 'p2', available: 2 },
    ];
    const labels = [
      aRequest({ label: 'wide', requested: 4, providers: ['p1', 'p2'] }),
      aRequest({ label: 'narrow', requested: 2, providers: ['p1'] }),
    ];

    expect(rowsOf(anInput({ providers, labels }))).toEqual(['2 narrow p1 t', '2 wide p2 t']);
  });

  test('are nothing without an online target, and the empty record ends every wait', () => {
    const { grants, round } = grantRequests(anInput({ targets: [] }));

    expect(grants).toEqual([]);
    expect(round).toEqual(new Map());
  });

  test('are recorded over all providers and targets, also for a label that nobody can serve', () => {
    const providers = [
      { name: 'p', available: 2 },
      { name: 'q', available: 2 },
    ];
    const labels = [
      aRequest({ requested: 4, providers: ['p', 'q'] }),
      aRequest({ label: 'imageless', requested: 3, providers: [] }),
      aRequest({ label: 'misspelt', providers: ['nowhere'] }),
    ];

    expect(grantRequests(anInput({ providers, labels, targets: ['t', 'u'] })).round).toEqual(
      new Map([
        ['l', { requested: 4, granted: 4 }],
        ['imageless', { requested: 3, granted: 0 }],
        ['misspelt', { requested: 1, granted: 0 }],
      ]),
    );
  });

  test('of 0.5 round up, as in Python 2', () => {
    const providers = [
      { name: 'p1', available: 5 },
      { name: 'p2', available: 5 },
    ];
    const labels = [aRequest({ requested: 5, providers: ['p1', 'p2'] })];

    expect(rowsOf(anInput({ providers, labels }))).toEqual(['3 l p1 t', '2 l p2 t']);
  });
});

describe('the wait of a label', () => {
  const asked = (granted: number, requested = 1) => new Map([['l', { requested, granted }]]);

  test.each([
    { why: 'no history', history: [], rounds: 0 },
    { why: 'rounds without a grant', history: [asked(0), asked(0)], rounds: 2 },
    { why: 'a grant ends it', history: [asked(0), asked(1), asked(0)], rounds: 1 },
    { why: 'absence ends it', history: [asked(0), new Map(), asked(0)], rounds: 1 },
    { why: 'a round in which it asked for nothing ends it', history: [asked(0), asked(0, 0), asked(0)], rounds: 1 },
  ])('is $rounds: $why', ({ history, rounds }) => {
    expect(waitedRounds('l', history)).toBe(rounds);
  });

  test('looks back over as many rounds as are kept', () => {
    const history = Array.from({ length: ROUNDS_KEPT + 5 }).reduce(
      (past: ReturnType<typeof withRound>) => withRound(past, asked(0)),
      [],
    );

    expect(waitedRounds('l', history)).toBe(ROUNDS_KEPT);
  });
});

test.each([
  { count: 4, current: [0, 0], given: [2, 2] },
  { count: 3, current: [0, 0], given: [2, 1] },
  { count: 3, current: [5, 0], given: [0, 3] },
  { count: 2, current: [3, 0, 1], given: [0, 2, 0] },
  { count: 1, current: [9], given: [1] },
])('$count nodes over targets with $current go $given: as even as can be', ({ count, current, given }) => {
  expect(spreadOverTargets(count, current)).toEqual(given);
});
