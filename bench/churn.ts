import { systemClock } from '../src/runtime/clock.ts';
import { atMost, lessThan, type Measurement, noted, type Size, type Topic } from './measurement.ts';
import { percentile } from './percentile.ts';
import { BenchFarm } from './rig/bench-farm.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { ChildProgram } from './rig/child-program.ts';
import type { ChurnAddresses, ChurnOptions } from './rig/churn-process.ts';
import type { ChurnRecord } from './rig/churn-queue.ts';
import type { DaemonProcessOptions } from './rig/daemon-process.ts';
import { type FarmSize, numbers } from './rig/farm-text.ts';
import { forgetMost, memoryOf } from './rig/process-memory.ts';
import { Programs } from './rig/programs.ts';
import { until } from './rig/until.ts';
import { watchMost } from './rig/watch-most.ts';

type Scale = {
  readonly farm: Pick<FarmSize, 'labels' | 'providers' | 'targets' | 'maxServers'>;
  /** Jobs of the n-th label that wait or run at any time. */
  readonly jobsOf: (n: number) => number;
  readonly length: ChurnOptions['length'];
};

/**
 * 1,000 servers at most, and always some more jobs than that: labels compete. The labels differ by up to twice in their
 * number of jobs. A job takes 45 s, and with what a node needs before and after it, 20 nodes end each second.
 */
const SCALES: Readonly<Record<Size, Scale>> = {
  full: {
    farm: { labels: 15, providers: 8, targets: 3, maxServers: 125 },
    jobsOf: (n) => 46 + (n % 5) * 12,
    length: { fromMs: 35_000, toMs: 55_000 },
  },
  tiny: {
    farm: { labels: 2, providers: 2, targets: 2, maxServers: 3 },
    jobsOf: () => 4,
    length: { fromMs: 200, toMs: 400 },
  },
};
/** The farm fills, and its first jobs end: what was launched together ends together, until chance has spread it. */
const WARM_UP_MS: Readonly<Record<Size, number>> = { full: 150_000, tiny: 2_000 };
const TINY_MS = 8_000;
const LIMIT_MIB = 200;

type Churn = {
  readonly record: ChurnRecord;
  readonly seconds: number;
  readonly connections: number;
  readonly memory: { readonly steadyMib: number; readonly mostMib: number };
  /** Nodename → from the end of its job to the DELETE of its server, in milliseconds. */
  readonly deletions: ReadonlyMap<string, number>;
};

export const CHURN: Topic = {
  name: 'churn',
  about: '3 targets, 8 providers, 15 labels, 1,000 nodes in use of which 20 a second end and are replaced',
  isLong: true,
  run: async (size, signal, { minutes }) => {
    const churn = await measureChurn(size, size === 'tiny' ? TINY_MS : 60_000 * minutes, signal);
    return figures(churn);
  },
};

async function measureChurn(size: Size, ms: number, signal: AbortSignal): Promise<Churn> {
  const { farm: sizes, jobsOf, length } = SCALES[size];
  using programs = await Programs.build(['daemon-process'], signal);
  using folder = new BenchFolder();
  const jobs = Object.fromEntries(numbers(sizes.labels).map((n) => [`label-${n}`, jobsOf(n)]));
  const options: ChurnOptions = { targets: sizes.targets, length, jobs };
  await using zuul = await ChildProgram.start<ChurnAddresses>('churn-process', { options }, signal);
  const { jenkinsUrls, zmqEndpoint, gearmanPort } = zuul.ready;
  const subscribed = zuul.ask('untilSubscribed');
  await using farm = await BenchFarm.open(
    { ...sizes, jenkinsUrls, zmqEndpoint, gearmanPort, hasOwnProjects: true },
    folder,
    signal,
  );
  const daemonOptions: DaemonProcessOptions = { databaseUrl: farm.db.url.reveal(), farm: farm.size };
  const builtPath = programs.rigPathOf('daemon-process');
  await using daemon = await ChildProgram.start('daemon-process', { options: daemonOptions, builtPath }, signal);
  await subscribed;
  await zuul.ask('begin');
  await systemClock.sleep(WARM_UP_MS[size], signal);
  await zuul.ask('forget');
  forgetMost(daemon.pid);
  const samples: number[] = [];
  const startedMs = systemClock.monotonicMs();
  const { mostOf, cost } = await watchMost(
    () => {
      samples.push(memoryOf(daemon.pid).nowMib);
      return farm.db.connections();
    },
    async () => {
      await systemClock.sleep(ms, signal);
      return await zuul.ask<ChurnRecord>('record');
    },
  );
  const seconds = (systemClock.monotonicMs() - startedMs) / 1000;
  const memory = { steadyMib: percentile(samples, 0.5), mostMib: memoryOf(daemon.pid).mostMib };
  const deletions = await deletionTimes(farm, cost, signal);
  return { record: cost, seconds, connections: mostOf, memory, deletions };
}

/** Waits until all whose job ended are gone, for only then the history names both node and server. */
async function deletionTimes(
  farm: BenchFarm,
  { ended }: ChurnRecord,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const servers = new Map<string, string>();
  await until('all ended nodes to be gone', { ms: 60_000, everyMs: 500, signal }, async () => {
    const rows = await farm.db.query<{ names: readonly string[] }>(
      "select names from history where event = 'removed' and subject = 'node'",
    );
    for (const { names } of rows) if (names[0] !== undefined && names[1] !== undefined) servers.set(names[0], names[1]);
    return Object.keys(ended).every((nodename) => servers.has(nodename));
  });
  const deletes = new Map<string, number>();
  for (const { method, path, atMs } of await farm.serverCalls()) {
    const server = path.split('/').at(-1) ?? '';
    if (method === 'DELETE' && !deletes.has(server)) deletes.set(server, atMs);
  }
  return new Map(
    Object.entries(ended).map(([nodename, endedMs]) => {
      const deletedMs = deletes.get(servers.get(nodename) ?? '') ?? NaN;
      return [nodename, deletedMs - endedMs];
    }),
  );
}

function figures({ record, seconds, connections, memory, deletions }: Churn): readonly Measurement[] {
  const all = Object.values(record.waits).flat();
  const mean = all.reduce((sum, wait) => sum + wait, 0) / all.length / 1000;
  const labels = Object.entries(record.waits).map(([label, waits]) => ({ label, p95: percentile(waits, 0.95) / 1000 }));
  const [worst] = [...labels].sort((a, b) => b.p95 - a.p95);
  const tookMs = [...deletions.values()];
  return [
    noted({ what: 'time measured', value: seconds, unit: 's' }),
    noted({ what: 'jobs that ended, each with its node', value: tookMs.length / seconds, unit: '/s' }),
    noted({ what: 'wait of a job for its node, mean', value: mean, unit: 's' }),
    atMost(2 * mean, {
      what: `  p95 of the worst label, ${worst?.label ?? 'none'}`,
      value: worst?.p95 ?? NaN,
      unit: 's',
    }),
    ...labels.map(({ label, p95 }) => noted({ what: `  p95 of ${label}`, value: p95, unit: 's' })),
    noted({ what: 'event → DELETE, p50', value: percentile(tookMs, 0.5), unit: 'ms' }),
    lessThan(500, { what: 'event → DELETE, p99', value: percentile(tookMs, 0.99), unit: 'ms' }),
    noted({ what: '  slowest', value: Math.max(...tookMs), unit: 'ms' }),
    atMost(10, { what: 'most database connections', value: connections, unit: '' }),
    lessThan(LIMIT_MIB, { what: 'memory of the daemon without SSH', value: memory.steadyMib, unit: 'MiB' }),
    lessThan(LIMIT_MIB, { what: '  most', value: memory.mostMib, unit: 'MiB' }),
  ];
}
