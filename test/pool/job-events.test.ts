import { describe, expect, test } from 'vitest';
import type { JobEvent } from '../../src/node/job-event.ts';
import type { NodeState } from '../../src/node/lifecycle.ts';
import type { Node } from '../../src/node/node.ts';
import { applyJobEvent, type JobEventDeps } from '../../src/pool/job-events.ts';
import { benchWithNodes, nameOf } from './bench-with-nodes.ts';
import { Life } from './life.ts';
import type { PoolBench } from './pool-bench.ts';

const started: JobEvent = { topic: 'onStarted', job: 'gate', nodename: nameOf(1) };
const ended: JobEvent = { topic: 'onFinalized', job: 'gate', nodename: nameOf(1), result: 'SUCCESS', branch: 'master' };
const testEnded: JobEvent = { ...ended, job: 'acceptance' };

type EventBench = {
  readonly pool: PoolBench;
  readonly deps: JobEventDeps;
  /** Ids of the nodes whose deletion was begun, and of those that got their label, in order. */
  readonly finished: number[];
  readonly admitted: number[];
  /** Ids of nodes whose job began, and whether it takes the node offline. */
  readonly begun: [number, boolean | undefined][];
  readonly state: () => NodeState | undefined;
};

function aBench(facts: Partial<Node> = {}, deps: Partial<JobEventDeps> = {}): EventBench {
  const pool = benchWithNodes([facts]);
  const [finished, admitted]: [number[], number[]] = [[], []];
  const begun: EventBench['begun'] = [];
  return {
    ...{ pool, finished, admitted, begun },
    state: () => pool.nodes.all()[0]?.state,
    deps: {
      nodes: pool.nodes,
      metrics: pool.metrics,
      clock: pool.clock,
      log: pool.log,
      testJobOf: () => 'acceptance',
      deleteDelayMs: () => 0,
      afterStart: ({ id }, { asksOffline }) => begun.push([id, asksOffline]),
      afterFinish: ({ id }) => finished.push(id),
      admitTested: ({ id }) => admitted.push(id),
      ...deps,
    },
  };
}

describe('a build', () => {
  test('uses its node, and its end begins the deletion at once', async () => {
    const { pool, deps, finished, state } = aBench();

    await applyJobEvent(started, deps);
    expect(state()).toBe('used');
    await pool.clock.advance(90_000);
    await applyJobEvent(ended, deps);

    expect(state()).toBe('delete');
    expect(finished).toEqual([1]);
    expect(pool.metrics.jobs).toEqual([{ node: 1, name: 'gate', ms: 90_000 }]);
    expect(pool.log.messages('info')).toEqual(['Setting node id: 1 to USED', 'Node id: 1 is complete']);
    expect(pool.history.all().map(({ event, who, why }) => [event, who, why])).toEqual([
      ['jobStarted', 'zmq', 'Job gate started'],
      ['jobFinished', 'zmq', 'Job gate finished: SUCCESS'],
    ]);
  });

  test('whose start was lost still ends: the node goes, and no runtime is told that nobody knows', async () => {
    const { pool, deps, finished, state } = aBench();

    await applyJobEvent(ended, deps);

    expect(state()).toBe('delete');
    expect(finished).toEqual([1]);
    expect(pool.metrics.jobs).toEqual([]);
  });

  test.each(['FAILURE', 'ABORTED', undefined])('that ends with %s counts no success', async (result) => {
    const { pool, deps, state } = aBench({ state: 'used' });

    await applyJobEvent({ topic: 'onFinalized', job: 'gate', nodename: nameOf(1), ...(result && { result }) }, deps);

    expect(state()).toBe('delete');
    expect(pool.metrics.jobs).toEqual([]);
  });

  test('puts the deletion off by delete-delay, where it is configured', async () => {
    const { pool, deps } = aBench({ state: 'used' }, { deleteDelayMs: () => 60_000 });

    await applyJobEvent(ended, deps);

    expect(pool.node().deleteAfter).toEqual(new Date('2026-01-01T00:01:00Z'));
  });
});

describe('events that come twice, late or out of order', () => {
  const orders: (readonly JobEvent[])[] = [
    [started, started, ended],
    [started, ended, ended],
    [ended, started],
    [ended, started, ended],
    [started, ended, started],
  ];

  test.each(orders.map((events) => [events.map(({ topic }) => topic).join(', '), events] as const))(
    '%s: the node is deleted, once, and never revived',
    async (_, events) => {
      const { deps, finished, state } = aBench();

      for (const event of events) await applyJobEvent(event, deps);

      expect(state()).toBe('delete');
      expect(finished).toEqual([1]);
    },
  );

  test('at the same time: each is applied at most once', async () => {
    const { pool, deps, finished, state } = aBench();

    await Promise.all([started, ended, started, ended].map((event) => applyJobEvent(event, deps)));

    expect(state()).toBe('delete');
    expect(finished).toEqual([1]);
    expect(pool.history.all().filter(({ event }) => event === 'jobFinished')).toHaveLength(1);
  });

  test('after the row is gone are dropped with a word for the curious', async () => {
    const { pool, deps, finished } = aBench();
    await pool.nodes.remove(pool.node(), { who: 'test', why: 'test' });

    await applyJobEvent(started, deps);
    await applyJobEvent(ended, deps);

    expect(pool.nodes.all()).toEqual([]);
    expect(finished).toEqual([]);
    expect(pool.log.messages('debug')).toContain(`Unable to find node with nodename: ${nameOf(1)}`);
    expect(pool.log.entries.filter(({ level }) => level !== 'debug')).toEqual([]);
  });

  test('of a node of the same name that was before count for the newest, as Jenkins has no other', async () => {
    const { pool, deps } = aBench({ state: 'delete' });
    pool.nodes.put({ ...pool.node(), id: 2, state: 'ready' });

    await applyJobEvent(started, deps);

    expect(pool.nodes.all().map(({ state }) => state)).toEqual(['delete', 'used']);
  });

  test.each<[NodeState]>([['delete'], ['hold'], ['building']])('leave a node in state %s as it is', async (state) => {
    const bench = aBench({ state });

    await applyJobEvent(started, bench.deps);
    await applyJobEvent(ended, bench.deps);

    expect(bench.state()).toBe(state);
    expect(bench.finished).toEqual([]);
    expect(bench.pool.metrics.jobs).toEqual([]);
  });
});

describe('a start that changes nothing', () => {
  test('is told of where the node is used: who noticed it first may have ended before the node was closed', async () => {
    const { deps, begun } = aBench({ state: 'used' });

    await applyJobEvent(started, deps);

    expect(begun).toEqual([[1, undefined]]);
  });

  test.each(['hold', 'delete'] as const)('is not told of where the node is in %s', async (state) => {
    const { deps, begun } = aBench({ state });

    await applyJobEvent(started, deps);

    expect(begun).toEqual([]);
  });
});

describe('a held node', () => {
  test('stays held when its build ends, and the log says what operators look for', async () => {
    const { pool, deps, state } = aBench({ state: 'hold' });

    await applyJobEvent(ended, deps);

    expect(state()).toBe('hold');
    expect(pool.log.messages('info')).toEqual(['Node id: 1 is complete but in HOLD state']);
  });

  test.each([started, ended])('stays held although it is held between look and change of $topic', async (event) => {
    const { pool, deps, finished, state } = aBench({ state: 'used' });
    const life = new Life();
    life.beforeCall = async (_count, name) => {
      if (name === 'apply') await pool.nodes.apply(pool.node(), 'held', { who: 'cli:root', why: 'test' });
    };

    await applyJobEvent(event, { ...deps, nodes: life.wrap(pool.nodes) });

    expect(state()).toBe('hold');
    expect(finished).toEqual([]);
  });
});

test('an event is applied to the row as it is now, where something else changed it in the meantime', async () => {
  const { pool, deps, state } = aBench({ state: 'used' });
  const life = new Life();
  life.beforeCall = async (count) => {
    if (count === 2) await pool.nodes.record(1, { comment: 'changed' });
  };

  await applyJobEvent(ended, { ...deps, nodes: life.wrap(pool.nodes) });

  expect(state()).toBe('delete');
});

describe('a test job', () => {
  test('does not use its node when it starts', async () => {
    const { deps, state } = aBench({ state: 'test' });

    await applyJobEvent({ ...started, job: 'acceptance' }, deps);

    expect(state()).toBe('test');
  });

  test('that passes makes its node ready before it gets its label, for Jenkins may use it at once', async () => {
    const bench = aBench({ state: 'test' });
    const states: unknown[] = [];
    const admitTested = (): void => void states.push(bench.state());

    await applyJobEvent(testEnded, { ...bench.deps, admitTested });

    expect(states).toEqual(['ready']);
    expect(bench.finished).toEqual([]);
  });

  test.each(['FAILURE', 'ABORTED'])('that ends with %s takes its node with it', async (result) => {
    const { deps, admitted, state } = aBench({ state: 'test' });

    await applyJobEvent({ ...testEnded, result }, deps);

    expect(state()).toBe('delete');
    expect(admitted).toEqual([]);
  });

  test('that ends twice does not end the node that became ready by the first', async () => {
    const { deps, admitted, state } = aBench({ state: 'test' });

    await applyJobEvent(testEnded, deps);
    await applyJobEvent(testEnded, deps);

    expect(state()).toBe('ready');
    expect(admitted).toEqual([1]);
  });

  test('is the only one that counts for a node in test: it has no label, so no other can run there', async () => {
    const { deps, state } = aBench({ state: 'test' });

    await applyJobEvent(started, deps);
    await applyJobEvent(ended, deps);

    expect(state()).toBe('test');
  });
});
