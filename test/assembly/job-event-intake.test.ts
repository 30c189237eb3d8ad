import { expect, test } from 'vitest';
import { type IntakeDeps, takeInJobEvents } from '../../src/assembly/job-event-intake.ts';
import type { JobEvent } from '../../src/node/job-event.ts';
import { DatabaseUnavailableError } from '../../src/runtime/errors.ts';
import { SharedComplaints } from '../../src/runtime/shared-complaints.ts';
import { aReadyNode } from '../builders/a-node.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { MemoryNodeStore } from '../fakes/memory-node-store.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

const nothing = (): void => undefined;

function depsOf(nodes: MemoryNodeStore, log = new RecordingLogger()): IntakeDeps & { readonly clock: FakeClock } {
  const clock = new FakeClock();
  return {
    nodes,
    metrics: {
      launchEnded: nothing,
      nodeDeleted: nothing,
      jobSucceeded: nothing,
      leaksSeen: nothing,
      imageUpdated: nothing,
    },
    clock,
    log,
    complaints: new SharedComplaints({ clock, log }),
    testJobOf: () => undefined,
    deleteDelayMs: () => 0,
    admitTested: nothing,
    afterStart: nothing,
    afterFinish: nothing,
  };
}

function of(topic: JobEvent['topic'], id: number): JobEvent {
  return { topic, job: 'unit', nodename: aReadyNode({ id }).nodename ?? '', result: 'SUCCESS' };
}

test('events of one node are applied in their order, though those of others are applied beside them', async () => {
  const nodes = new MemoryNodeStore([1, 2, 3].map((id) => aReadyNode({ id })));
  const events = [1, 2, 3].flatMap((id) => [of('onStarted', id), of('onFinalized', id)]);

  await takeInJobEvents(events, depsOf(nodes), neverAborted);

  expect(nodes.all().map(({ state }) => state)).toEqual(['delete', 'delete', 'delete']);
  for (const id of [1, 2, 3]) {
    const entries = await nodes.history.list('node', id);
    expect(entries.map(({ event }) => event)).toEqual(['jobStarted', 'jobFinished']);
  }
});

/** Nodes whose database is away until `back` is called. */
function nodesAway(id: number): { readonly nodes: MemoryNodeStore; readonly back: () => void } {
  const nodes = new MemoryNodeStore([aReadyNode({ id })]);
  const find = nodes.findByNodename.bind(nodes);
  nodes.findByNodename = () => Promise.reject(new DatabaseUnavailableError('The database restarts'));
  return {
    nodes,
    back: () => {
      nodes.findByNodename = find;
    },
  };
}

test('events wait for a database that restarts, in their order: a node must be closed before its job ends', async () => {
  const { nodes, back } = nodesAway(1);
  const log = new RecordingLogger();
  const deps = depsOf(nodes, log);

  const taken = takeInJobEvents([of('onStarted', 1), of('onFinalized', 1)], deps, neverAborted);
  await deps.clock.advance(5_000);
  const before = nodes.all().map(({ state }) => state);
  back();
  await deps.clock.advance(200);
  await taken;

  expect([before, nodes.all().map(({ state }) => state)]).toEqual([['ready'], ['delete']]);
  expect(log.messages('warn')).toEqual([]);
});

test('events do not wait longer than reconciliation needs, and this is told once', async () => {
  const { nodes } = nodesAway(1);
  const log = new RecordingLogger();
  const deps = depsOf(nodes, log);

  const taken = takeInJobEvents([of('onStarted', 1), of('onFinalized', 1)], deps, neverAborted);
  await deps.clock.advance(20_000);
  await taken;

  expect(log.messages('warn')).toEqual([
    `Event onStarted of node ${aReadyNode({ id: 1 }).nodename ?? ''} could not be applied`,
  ]);
});

test('an event that cannot be applied is logged and does not hold up the others, since reconciliation makes up for it', async () => {
  const nodes = new MemoryNodeStore([aReadyNode({ id: 1 }), aReadyNode({ id: 2 })]);
  const find = nodes.findByNodename.bind(nodes);
  nodes.findByNodename = async (name) => {
    if (name === aReadyNode({ id: 1 }).nodename) throw new Error('The database is away');
    return await find(name);
  };
  const log = new RecordingLogger();

  await takeInJobEvents([of('onStarted', 1), of('onStarted', 2)], depsOf(nodes, log), neverAborted);

  expect(nodes.all().map(({ state }) => state)).toEqual(['ready', 'used']);
  expect(log.messages('warn')).toEqual([
    `Event onStarted of node ${aReadyNode({ id: 1 }).nodename ?? ''} could not be applied`,
  ]);
});
