import { expect, inject, test } from 'vitest';
import { type IntakeDeps, takeInJobEvents } from '../../src/assembly/job-event-intake.ts';
import type { JobEvent } from '../../src/node/job-event.ts';
import type { Node } from '../../src/node/node.ts';
import { SharedComplaints } from '../../src/runtime/shared-complaints.ts';
import { makeTestDatabase } from '../db/test-database.ts';
import { startDaemon, type TestDaemon } from '../db/test-daemons.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingMetrics } from '../fakes/recording-metrics.ts';

const cause = { who: 'test', why: 'Test' };
const NODES = 100;

type Listener = { readonly deps: IntakeDeps; readonly metrics: RecordingMetrics; readonly finished: Node[] };

function aListener({ database, clock, log }: TestDaemon): Listener {
  const metrics = new RecordingMetrics();
  const finished: Node[] = [];
  const deps: IntakeDeps = {
    ...{ nodes: database.nodes, metrics, clock, log, complaints: new SharedComplaints({ clock, log }) },
    testJobOf: () => undefined,
    deleteDelayMs: () => 0,
    admitTested: () => undefined,
    afterStart: () => undefined,
    afterFinish: (node) => void finished.push(node),
  };
  return { deps, metrics, finished };
}

test('events reach all daemons, and each counts once: one daemon takes it, and deletes the node', async () => {
  await using own = await makeTestDatabase(inject('postgresHost'));
  await using one = await startDaemon(own);
  await using two = await startDaemon(own);
  const { nodes } = one.database;
  const rows = await nodes.insert(Array(NODES).fill({ provider: 'east', label: 'small', target: 'ci' }), cause);
  const listeners = [aListener(one), aListener(two)];
  for (const row of rows) {
    await nodes.claim(row.id);
    await nodes.apply(row, 'launched', cause, { nodename: `small-${row.id}` });
  }
  const events = rows.flatMap(({ id }): readonly JobEvent[] => [
    { topic: 'onStarted', job: 'gate', nodename: `small-${id}` },
    { topic: 'onFinalized', job: 'gate', nodename: `small-${id}`, result: 'SUCCESS' },
  ]);

  await Promise.all(listeners.map(({ deps }) => takeInJobEvents(events, deps, neverAborted)));

  const history = await own.query(
    "select count(*)::int as n, event from history where who = 'zmq' group by 2 order by 2",
  );
  const finished = listeners.flatMap((listener) => listener.finished.map(({ id }) => id));
  const ids = rows.map(({ id }) => id);
  expect(history).toEqual([
    { event: 'jobFinished', n: NODES },
    { event: 'jobStarted', n: NODES },
  ]);
  expect(listeners.flatMap(({ metrics }) => metrics.jobs).length).toBeLessThanOrEqual(NODES);
  expect([...finished].sort((a, b) => a - b)).toEqual(ids);
  for (const [index, daemon] of [one, two].entries()) {
    const claimable = await daemon.database.nodes.list({ states: ['delete'], claimable: true });
    const taken = listeners[index]?.finished.map(({ id }) => id) ?? [];
    expect(claimable.map(({ id }) => id)).toEqual([...taken].sort((a, b) => a - b));
  }
}, 20_000);
