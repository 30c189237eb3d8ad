import { describe, expect, test } from 'vitest';
import { DeletionRetries, runDeletionPass, startDeletion } from '../../src/pool/deletion-pass.ts';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { aNode } from '../builders/a-node.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { benchWithNodes, nameOf } from './bench-with-nodes.ts';
import { letWorkGoOn, passTime } from './pass-time.ts';
import { PoolBench, type PoolProcess } from './pool-bench.ts';

const DELETE = { state: 'delete' } as const;
const AWAY = new TransientProviderError('Jenkins does not answer');

async function pass({ deletionPass }: PoolProcess): Promise<void> {
  await runDeletionPass(deletionPass, neverAborted);
  await deletionPass.deletions.settled();
}

describe('the deletion pass', () => {
  test('deletes all nodes that are marked, and no others', async () => {
    const bench = benchWithNodes([DELETE, { state: 'ready' }, { state: 'used' }, { state: 'hold' }, DELETE]);

    await pass(bench.startProcess());

    expect(bench.nodes.all().map(({ id }) => id)).toEqual([2, 3, 4]);
    expect(bench.cloud.servers.peekAll().map(({ id }) => id)).toEqual(['server-2', 'server-3', 'server-4']);
    expect(bench.agents.nodenames).toEqual([2, 3, 4].map(nameOf));
  });

  test('tries what failed again after a growing wait, for ever, and says how old it is', async () => {
    const bench = benchWithNodes([{ ...DELETE, stateChangedAt: new Date('2025-12-31T23:59:00Z') }]);
    const process = bench.startProcess();
    bench.agents.failNext('find', AWAY, 3);

    await pass(process);
    await pass(process); // not due
    await bench.clock.advance(1_000);
    await pass(process);
    await bench.clock.advance(1_999);
    await pass(process); // not due
    await bench.clock.advance(1);
    await pass(process);
    await bench.clock.advance(4_000);
    await pass(process);

    expect(bench.nodes.all()).toEqual([]);
    const told = bench.log.entries.filter(({ message }) => message === 'Deletion of node id: 1 goes on later');
    expect(told).toMatchObject([
      {
        level: 'warn',
        facts: { provider: 'fake-provider', ageS: 60, error: AWAY },
      },
      { level: 'debug', facts: { ageS: 61 } }, // the same trouble: a warning each minute is enough
      { level: 'debug', facts: { ageS: 63 } },
    ]);
  });

  test('notes in the history why a node is still there, ever more seldom: a cloud may be away for days', async () => {
    const bench = benchWithNodes([DELETE]);
    const process = bench.startProcess();
    bench.cloud.failNext('deleteServer', new TransientProviderError('ServerDelete got status 503 (req-1)'), 7);

    for (let tries = 0; tries < 8; tries += 1) {
      await pass(process);
      await bench.clock.advance(60_000);
    }

    const notes = bench.history.all().filter(({ event }) => event === 'waits');
    const why = 'Its deletion in fake-provider goes on later: ServerDelete got status 503 (req-1)';
    expect(notes.map((note) => note.why)).toEqual([why, why, why]); // of tries 1, 2 and 4
    expect(bench.nodes.all()).toEqual([]);
  });

  test('says that a build still runs, and deletes the node soon after its end', async () => {
    const bench = benchWithNodes([DELETE]);
    const process = bench.startProcess();
    bench.agents.startBuild(nameOf(1));

    await pass(process);
    bench.agents.endBuild(nameOf(1));
    await bench.clock.advance(1_000);
    await pass(process);

    expect(bench.log.messages('warn')).toEqual(['Deletion of node id: 1 goes on later: a build still runs on it']);
    expect(bench.nodes.all()).toEqual([]);
  });

  test('waits for delete-delay, where it is configured', async () => {
    const bench = benchWithNodes([{ ...DELETE, deleteAfter: new Date('2026-01-01T00:01:00Z') }]);
    const process = bench.startProcess();

    await bench.clock.advance(59_999);
    await pass(process);
    expect(bench.agents.calls).toEqual([]);
    await bench.clock.advance(1);
    await pass(process);

    expect(bench.nodes.all()).toEqual([]);
  });

  test('does not make an operator wait for delete-delay', async () => {
    const bench = benchWithNodes([{ ...DELETE, deleteAfter: new Date('2026-01-01T00:01:00Z'), forced: true }]);

    await pass(bench.startProcess());

    expect(bench.nodes.all()).toEqual([]);
  });

  test('keeps the row of a provider that is not known any more: it is the only proof of the server', async () => {
    const bench = benchWithNodes([{ ...DELETE, provider: 'gone' }]);

    await pass(bench.startProcess());

    expect(bench.nodes.all()).toHaveLength(1);
    expect(bench.log.messages('warn')).toEqual([
      'Deletion of node id: 1 goes on later: provider gone is no longer configured',
    ]);
  });

  test('does not let one node that hangs keep the others', async () => {
    const bench = benchWithNodes([DELETE, DELETE]);
    const { deletionPass } = bench.startProcess();
    bench.agents.hangNext('find');

    await runDeletionPass(deletionPass, neverAborted);
    await letWorkGoOn();

    expect(bench.nodes.all().map(({ id }) => id)).toEqual([1]);
  });

  test('starts no second deletion of a node while one is under way, whoever asks', async () => {
    const bench = benchWithNodes([DELETE]);
    const { deletionPass } = bench.startProcess();

    startDeletion(bench.node(), deletionPass, neverAborted);
    startDeletion(bench.node(), deletionPass, neverAborted);
    await runDeletionPass(deletionPass, neverAborted);
    await deletionPass.deletions.settled();

    expect(bench.agents.calls.filter((call) => call === 'remove')).toHaveLength(1);
    expect(bench.metrics.deletions).toHaveLength(1);
  });

  test('says nothing when the daemon stops', async () => {
    const bench = benchWithNodes([DELETE]);
    const { deletionPass } = bench.startProcess();
    const stop = new AbortController();
    bench.cloud.hangNext('deleteServer');
    await runDeletionPass(deletionPass, stop.signal);
    await letWorkGoOn();

    stop.abort(new Error('Stopping'));
    await deletionPass.deletions.settled();

    expect(bench.log.messages('warn')).toEqual([]);
    expect(bench.log.messages('error')).toEqual([]);
    expect(bench.nodes.all()).toHaveLength(1);
  });

  test('first ends the launch of the node, and deletes the server that it was about to store', async () => {
    const bench = new PoolBench({ nodes: [aNode()], cloud: { bootTakesPolls: Infinity }, slow: true });
    const { launchPass, deletionPass } = bench.startProcess();
    await runLaunchPass(launchPass, neverAborted);
    await passTime(bench.clock, 1_000);
    await bench.nodes.apply(bench.node(), 'deleted', { who: 'cli:root', why: 'test' });

    await runDeletionPass(deletionPass, neverAborted);
    await passTime(bench.clock, 3_000);

    expect(launchPass.launches.size).toBe(0);
    expect(bench.nodes.all()).toEqual([]);
    expect(bench.cloud.servers.peekAll()).toEqual([]);
    expect(bench.log.messages('error')).toEqual([]);
  });
});

describe('DeletionRetries', () => {
  test('tells when the next try is due, so that the loop need not look sooner', async () => {
    const clock = new FakeClock();
    const retries = new DeletionRetries({ clock, randomness: new CountingRandomness() });
    expect(retries.nextDueMs()).toBeUndefined();

    retries.postpone(1);
    retries.postpone(1);
    retries.postpone(2);
    expect(retries.nextDueMs()).toBe(1000);
    await clock.advance(5000);

    expect(retries.nextDueMs()).toBe(0);
    expect([retries.isDue(1), retries.isDue(2)]).toEqual([true, true]);
  });

  test('does not count a try that is under way as due: the loop would spin', async () => {
    const clock = new FakeClock();
    const retries = new DeletionRetries({ clock, randomness: new CountingRandomness() });
    retries.postpone(1);
    await clock.advance(1000);

    retries.begin(1);

    expect(retries.nextDueMs()).toBeUndefined();
  });

  test('waits at most a minute, and begins anew after a success', () => {
    const clock = new FakeClock();
    const retries = new DeletionRetries({ clock, randomness: new CountingRandomness() });
    for (let n = 0; n < 20; n += 1) retries.postpone(1);
    expect(retries.nextDueMs()).toBe(60_000);

    retries.forget(1);
    retries.postpone(1);

    expect(retries.nextDueMs()).toBe(1000);
  });

  test('forgets rows that somebody else removed', () => {
    const retries = new DeletionRetries({ clock: new FakeClock(), randomness: new CountingRandomness() });
    retries.postpone(1);
    retries.postpone(2);

    retries.keepOnly(new Set([2]));

    expect([retries.isDue(1), retries.isDue(2)]).toEqual([true, false]);
  });
});
