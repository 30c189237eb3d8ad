import { type IntakeDeps, takeInJobEvents } from '../src/assembly/job-event-intake.ts';
import { openJobEvents } from '../src/events/open-job-events.ts';
import type { JobEvents, JobEventsDeps } from '../src/events/zmq-job-events.ts';
import { openMetrics } from '../src/metrics/open-metrics.ts';
import { SharedComplaints } from '../src/runtime/shared-complaints.ts';
import { atLeast, atMost, type Measurement, noted, type Size, type Topic } from './measurement.ts';
import { applyInSessions } from './reference/one-session-events.ts';
import { BenchDatabase } from './rig/bench-database.ts';
import { benchDeps } from './rig/bench-deps.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { ChildProgram } from './rig/child-program.ts';
import { numbers } from './rig/farm-text.ts';
import { fillNodes } from './rig/fill-tables.ts';
import type { EventOrder, SentEvents } from './rig/publisher-process.ts';
import { costOf } from './rig/stopwatch.ts';
import { until } from './rig/until.ts';

const FARM = { labels: 100, providers: 20, targets: 10, minReady: 0, maxServers: 1000 };

type Scale = {
  readonly parsed: number;
  /** Rows of the table, and those of them that get events. */
  readonly rows: number;
  readonly nodes: number;
  readonly reference: number;
};

const SCALES: Readonly<Record<Size, Scale>> = {
  full: { parsed: 100_000, rows: 10_000, nodes: 8_000, reference: 1_000 },
  tiny: { parsed: 1_000, rows: 100, nodes: 50, reference: 10 },
};
const PATIENCE_MS = 120_000;

export const EVENTS: Topic = {
  name: 'events',
  about: 'build events of a ZeroMQ publisher in another process: read and parsed; applied to 10,000 rows of Postgres',
  run: async (size, signal) => {
    const scale = SCALES[size];
    using folder = new BenchFolder();
    await using publisher = await ChildProgram.start<string>('publisher-process', { options: {} }, signal);
    const parsed = await measureParsing(publisher, scale.parsed, signal);
    await using db = await BenchDatabase.open(folder.path, signal);
    await fillNodes(FARM, db, { count: scale.rows, states: [2] });
    const applied = await measureApplying({ publisher, db }, scale.nodes, signal);
    return [...parsed, ...applied, ...(await measureReference(db, scale.reference))];
  },
};

async function measureParsing(
  publisher: ChildProgram<string>,
  count: number,
  signal: AbortSignal,
): Promise<readonly Measurement[]> {
  await using source = await subscribe(publisher, () => undefined, signal);
  const order: EventOrder = { topics: ['onStarted', 'onFinalized'], nodenames: nodenames(count / 2) };
  const { cpuMs, wallMs } = await costOf(async () => {
    const sending = publisher.ask<SentEvents>('send', order);
    const areRead = (): boolean => source.events.counts().messages >= count;
    await until('all events to be read', { ms: PATIENCE_MS, signal }, areRead);
    await sending;
  });
  return [
    atLeast(10_000, { what: 'parsed', value: (1000 * count) / wallMs, unit: '/s' }),
    noted({ what: '  CPU for each', value: (1000 * cpuMs) / count, unit: 'µs' }),
  ];
}

type Peers = { readonly publisher: ChildProgram<string>; readonly db: BenchDatabase };

/** Each node's start and end: every event changes a row and writes history. */
async function measureApplying(
  { publisher, db }: Peers,
  nodes: number,
  signal: AbortSignal,
): Promise<readonly Measurement[]> {
  let applied = 0;
  const deps = eventDeps(db);
  const onEvents: JobEventsDeps['onEvents'] = async (events) => {
    await takeInJobEvents(events, deps, signal);
    applied += events.length;
  };
  await using _source = await subscribe(publisher, onEvents, signal);
  const expected = 2 * nodes;
  const { cpuMs, wallMs } = await costOf(async () => {
    const order: EventOrder = { topics: ['onStarted', 'onFinalized'], nodenames: nodenames(nodes) };
    await publisher.ask<SentEvents>('send', order);
    await until('all events to be applied', { ms: PATIENCE_MS, signal }, () => applied >= expected);
  });
  const [row] = await db.query<{ n: number }>('select count(*)::integer as n from node where state = 4');
  if (row?.n !== nodes) throw new Error(`Of ${nodes} nodes, ${row?.n ?? 0} are in state "delete"`);
  return [
    atLeast(2_000, { what: 'applied, with database writes', value: (1000 * expected) / wallMs, unit: '/s' }),
    noted({ what: '  CPU for each', value: (1000 * cpuMs) / expected, unit: 'µs' }),
    atMost(10, { what: '  database connections', value: await db.connections(), unit: '' }),
  ];
}

async function measureReference(db: BenchDatabase, count: number): Promise<readonly Measurement[]> {
  const events = nodenames(count).map((nodename) => ({ nodename, state: 4 }));
  const { wallMs } = await costOf(() => applyInSessions(events, (sql, values) => db.query(sql, values)));
  return [noted({ what: 'reference: one after the other, as upstream', value: (1000 * count) / wallMs, unit: '/s' })];
}

type Source = AsyncDisposable & { readonly events: JobEvents };

async function subscribe(
  publisher: ChildProgram<string>,
  onEvents: JobEventsDeps['onEvents'],
  signal: AbortSignal,
): Promise<Source> {
  const subscribed = publisher.ask('untilSubscribed');
  const deps = { ...benchDeps(), onEvents, onResync: () => undefined };
  const events = openJobEvents([publisher.ready], deps, signal);
  await subscribed;
  return {
    events,
    [Symbol.asyncDispose]: async () => {
      const left = publisher.ask('untilSubscribed'); // the next frame says that we left
      await events.close();
      await left;
    },
  };
}

function eventDeps({ database }: BenchDatabase): IntakeDeps {
  const base = benchDeps();
  return {
    ...base,
    complaints: new SharedComplaints(base),
    nodes: database.nodes,
    metrics: openMetrics({}, base).nodes,
    testJobOf: () => undefined,
    deleteDelayMs: () => 0,
    afterStart: () => undefined,
    afterFinish: () => undefined,
    admitTested: () => undefined,
  };
}

function nodenames(count: number): readonly string[] {
  return numbers(count).map((n) => `bench-${n}`);
}
