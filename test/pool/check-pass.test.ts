import { describe, expect, test } from 'vitest';
import { runCheckPass } from '../../src/pool/check-pass.ts';
import { DatabaseUnavailableError } from '../../src/runtime/errors.ts';
import { aLabel } from '../builders/a-config.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { benchWithNodes } from './bench-with-nodes.ts';
import { letWorkGoOn } from './pass-time.ts';
import type { PoolBench } from './pool-bench.ts';

async function pass(bench: PoolBench, signal = neverAborted): Promise<void> {
  const { machines, log } = bench;
  await runCheckPass({ farm: () => bench.farm, nodes: bench.nodes, machines, log }, signal);
}

describe('the check', () => {
  test('logs in to each ready node, and to no other', async () => {
    const bench = benchWithNodes([{}, { state: 'used' }, { state: 'hold' }, { state: 'building' }, {}]);

    await pass(bench);

    expect(bench.machines.logins.map(({ host }) => host)).toEqual(['10.0.0.1', '10.0.0.5']);
    expect(bench.machines.all().every(({ openSessions }) => openSessions === 0)).toBe(true);
    expect(bench.log.entries).toEqual([]);
  });

  test.each(['connection', 'authentication', 'host-key'] as const)(
    'marks a node whose login fails by a %s fault: a job would fail there too',
    async (fault) => {
      const bench = benchWithNodes([{}, {}]);
      Object.assign(bench.machines.machine('10.0.0.1'), { refusals: Infinity, fault });

      await pass(bench);

      expect(bench.nodes.all().map(({ state }) => state)).toEqual(['delete', 'ready']);
      expect(bench.log.messages('error')).toEqual(['SSH Check failed for node id: 1']);
      expect(bench.history.all()).toMatchObject([{ event: 'lost', who: 'check' }]);
    },
  );

  test('deletes nothing because our own key cannot be used: no new node would be better', async () => {
    const bench = benchWithNodes([{}]);
    Object.assign(bench.machines.machine('10.0.0.1'), { refusals: Infinity, fault: 'key' });

    await pass(bench);

    expect(bench.node().state).toBe('ready');
    expect(bench.log.messages('error')).toEqual(['SSH Check failed for node id: 1']);
  });

  test('holds the machine to the host key of its first contact', async () => {
    const bench = benchWithNodes([{ hostKey: 'sha256:of-before' }]);

    await pass(bench);

    expect(bench.node().state).toBe('delete');
  });

  test('leaves a node that began a build while it was checked', async () => {
    const bench = benchWithNodes([{}], { slow: true });
    bench.machines.machine('10.0.0.1').refusals = Infinity;
    const checked = pass(bench);
    await letWorkGoOn();

    await bench.nodes.apply(bench.node(), 'jobStarted', { who: 'zmq', why: 'test' });
    await bench.clock.advance(70_000);
    await checked;

    expect(bench.node().state).toBe('used');
  });

  test('passes over a node whose label is not configured any more: nobody says how to log in', async () => {
    const bench = benchWithNodes([{}], { config: { labels: [aLabel({ name: 'other' })] } });

    await pass(bench);

    expect(bench.machines.logins).toEqual([]);
    expect(bench.node().state).toBe('ready');
  });

  test('checks all others when one change cannot be stored', async () => {
    const bench = benchWithNodes([{}, {}]);
    for (const id of [1, 2]) bench.machines.machine(`10.0.0.${id}`).refusals = Infinity;
    const apply = bench.nodes.apply.bind(bench.nodes);
    bench.nodes.apply = (...change) =>
      change[0].id === 1 ? Promise.reject(new DatabaseUnavailableError('away')) : apply(...change);

    await pass(bench);

    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['ready', 'delete']);
    expect(bench.log.messages('warn')).toEqual(['Cannot delete node id: 1 after its check']);
  });

  test('checks at most ten at once', async () => {
    const bench = benchWithNodes(
      Array.from({ length: 25 }, () => ({})),
      { slow: true },
    );
    for (let id = 1; id <= 25; id += 1) bench.machines.machine(`10.0.0.${id}`).refusals = 1;
    const stop = new AbortController();

    const checked = pass(bench, stop.signal);
    await letWorkGoOn();

    expect(bench.machines.logins).toHaveLength(10);
    stop.abort(new Error('Stopping'));
    await expect(checked).rejects.toThrow('Stopping');
    expect(bench.nodes.all().every(({ state }) => state === 'ready')).toBe(true);
  });
});
