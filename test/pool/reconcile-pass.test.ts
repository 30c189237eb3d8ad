import { describe, expect, test } from 'vitest';
import { type Agent, OFFLINE_BY_GEARMAN } from '../../src/node/agents.ts';
import { findRepair, runReconcilePass, Sightings } from '../../src/pool/reconcile-pass.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { aReadyNode } from '../builders/a-node.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { benchWithNodes, nameOf } from './bench-with-nodes.ts';
import type { PoolBench, PoolProcess } from './pool-bench.ts';

const NAME = nameOf(1);

async function pass(process: PoolProcess): Promise<void> {
  await runReconcilePass(process.reconcilePass, neverAborted);
}

/** Two passes a minute apart: what needs two sightings is then repaired. */
async function passTwice(bench: PoolBench): Promise<void> {
  const process = bench.startProcess();
  await pass(process);
  await bench.clock.advance(60_000);
  await pass(process);
}

describe('a missed event', () => {
  test('of a start is made up for at once: the node counts as used', async () => {
    const bench = benchWithNodes([{}]);
    bench.agents.startBuild(NAME);

    await pass(bench.startProcess());

    expect(bench.node().state).toBe('used');
    expect(bench.history.all()).toMatchObject([
      { event: 'jobStarted', who: 'reconcile', why: 'A build runs on it: its start was missed' },
    ]);
  });

  test.each(['ready', 'used'] as const)(
    'of an end on a %s node that its job took offline: it goes at once',
    async (state) => {
      const bench = benchWithNodes([{ state }]);
      bench.agents.endBuild(NAME, 'offline');

      await pass(bench.startProcess());

      expect(bench.node().state).toBe('delete');
      expect(bench.log.messages('warn')).toEqual([
        'Node id: 1 is delete: It is offline after its job: the end was missed',
      ]);
    },
  );

  test('of an end on a used node that is idle: it goes when a second pass sees it so', async () => {
    const bench = benchWithNodes([{ state: 'used' }]);
    const process = bench.startProcess();

    await pass(process);
    expect(bench.node().state).toBe('used');
    await bench.clock.advance(60_000);
    await pass(process);

    expect(bench.node().state).toBe('delete');
  });

  test('waits for delete-delay as the event itself does', async () => {
    const bench = benchWithNodes([{ state: 'used' }], { config: { deleteDelayMs: 60_000 } });
    bench.agents.endBuild(NAME, 'offline');

    await pass(bench.startProcess());

    expect(bench.node().deleteAfter).toEqual(new Date('2026-01-01T00:01:00Z'));
  });
});

describe('a node whose agent is gone', () => {
  test.each(['ready', 'used'] as const)('goes when a second pass misses it too (%s)', async (state) => {
    const bench = benchWithNodes([{ state }]);
    bench.agents.drop(NAME);

    await passTwice(bench);

    expect(bench.node().state).toBe('delete');
  });

  test('stays when it is back in the second pass', async () => {
    const bench = benchWithNodes([{}]);
    const process = bench.startProcess();
    bench.agents.drop(NAME);
    await pass(process);
    bench.agents.add({ nodename: NAME, labels: ['trusty'] });
    await bench.clock.advance(60_000);
    await pass(process);
    bench.agents.drop(NAME);
    await bench.clock.advance(60_000);
    await pass(process);

    expect(bench.node().state).toBe('ready');
  });

  test('is not what a list says that lacks it by chance: the agent itself is asked for', async () => {
    const bench = benchWithNodes([{}]);
    bench.agents.list = () => Promise.resolve([]);

    await passTwice(bench);

    expect(bench.log.messages('warn')).toEqual([]);
    expect(bench.node().state).toBe('ready');
  });

  test('was not registered yet, and has none to miss', async () => {
    const bench = benchWithNodes([{}]);
    bench.nodes.put(definedOnly({ ...bench.node(), registeredAt: undefined }));
    bench.agents.drop(NAME);

    await passTwice(bench);

    expect(bench.node().state).toBe('ready');
    expect(bench.agents.calls).toEqual([]);
  });
});

test('a node that was used although its registration was never stored is looked at: else it stayed for hours', async () => {
  const bench = benchWithNodes([{ state: 'used' }]);
  bench.nodes.put(definedOnly({ ...bench.node(), registeredAt: undefined }));
  bench.agents.endBuild(NAME, 'offline');

  await pass(bench.startProcess());

  expect(bench.node().state).toBe('delete');
});

describe('sightings', () => {
  test('one right after the other are one: both may be of the same moment', () => {
    const sightings = new Sightings();

    const seen = [0, 10_000, 29_999, 30_000].map((nowMs) => {
      const isSecond = sightings.isSecond('1 v1 lost', nowMs);
      sightings.endPass();
      return isSecond;
    });

    expect(seen).toEqual([false, false, false, true]);
  });

  test('that a pass does not repeat begin anew', () => {
    const sightings = new Sightings();
    sightings.isSecond('1 v1 lost', 0);
    sightings.endPass();
    sightings.endPass();

    expect(sightings.isSecond('1 v1 lost', 60_000)).toBe(false);
  });

  test('of a row that changed meanwhile begin anew: what was seen was of another moment of its life', async () => {
    const bench = benchWithNodes([{ state: 'used' }]);
    bench.agents.drop(NAME);
    const process = bench.startProcess();
    await pass(process);
    await bench.nodes.record(1, { comment: 'changed' });
    await bench.clock.advance(60_000);

    await pass(process);

    expect(bench.node().state).toBe('used');
  });
});

describe('nothing is repaired', () => {
  test.each([
    ['a ready node whose agent waits for a job', aReadyNode(), {}],
    ['a ready node whose agent is still connecting', aReadyNode(), { offline: true }],
    ['a ready node that a person took offline', aReadyNode(), { ...offline('Looking at it') }],
    ['a used node whose build runs', aReadyNode({ state: 'used' }), { busy: true }],
    ['a used node whose build runs though it is offline', aReadyNode({ state: 'used' }), { ...gearman(), busy: true }],
  ])('for %s', (_, node, agent) => {
    expect(findRepair(node, anAgent(agent))).toBeUndefined();
  });

  test('while Jenkins does not answer; other targets are still looked at', async () => {
    const bench = benchWithNodes([{}]);
    bench.agents.failNext('list', new TransientProviderError('503'));
    bench.agents.startBuild(NAME);
    const process = bench.startProcess();

    await pass(process);
    expect(bench.node().state).toBe('ready');
    expect(bench.log.messages('warn')).toEqual(['Cannot compare nodes with jenkins of fake-target']);
    await pass(process);

    expect(bench.node().state).toBe('used');
  });

  test('where no node of the target is in use: Jenkins is not asked', async () => {
    const bench = benchWithNodes([{ state: 'hold' }, { state: 'delete' }, { state: 'building' }]);

    await pass(bench.startProcess());

    expect(bench.agents.calls).toEqual([]);
  });
});

describe('the label of a node that passed its test', () => {
  test('is put on the agent where that was missed: it would never get a job', async () => {
    const bench = benchWithNodes([{}]);
    bench.agents.agent(NAME).labels = [NAME];

    await pass(bench.startProcess());

    expect(bench.agents.agent(NAME).labels).toEqual(['trusty', NAME]);
    expect(bench.log.messages('warn')).toEqual(['Node id: 1 had no label in jenkins']);
  });

  test.each([
    ['used', { state: 'used', busy: true }],
    ['offline', { state: 'ready', temporarilyOffline: true }],
  ] as const)('is left alone while the node is %s', async (_, { state, ...agent }) => {
    const bench = benchWithNodes([{ state }]);
    Object.assign(bench.agents.agent(NAME), agent, { labels: [] });

    await pass(bench.startProcess());

    expect(bench.agents.calls).not.toContain('relabel');
  });
});

function anAgent(facts: Partial<Agent>): Agent {
  const idle = { offline: false, temporarilyOffline: false, offlineReason: '', busy: false, labels: ['trusty'] };
  return { nodename: NAME, ...idle, ...facts };
}

function offline(offlineReason: string): Partial<Agent> {
  return { offline: true, temporarilyOffline: true, offlineReason };
}

function gearman(): Partial<Agent> {
  return offline(OFFLINE_BY_GEARMAN);
}
