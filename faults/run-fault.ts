import { systemClock } from '../src/runtime/clock.ts';
import { DaemonWatch, usageOf } from './daemon-watch.ts';
import { LABELS, MIN_READY } from './fault-config.ts';
import type { FaultFarm } from './fault-farm.ts';
import type { FaultLoad, LoadedJob } from './fault-load.ts';
import type { FaultMode } from './faulty-proxy.ts';
import type { Peer } from './proxies.ts';

export type Fault = { readonly peer: Peer; readonly mode: FaultMode; readonly ms: number };

export type FaultReport = {
  readonly fault: Fault;
  /** One line for each thing that should not be. */
  readonly broken: readonly string[];
  /** Figures, for a look. */
  readonly facts: string;
  readonly complaints: ReadonlyMap<string, number>;
};

/** What is tried again in vain pauses for two minutes at most. */
const RECOVERY_MS = 240_000;
const LOOK_MS = 500;
const PASS_S = 10;
const MOST_MIB = 220;
const MOST_CONNECTIONS = 10;
/** What was repaired is told of each node. */
const REPAIR = ': Node id: N is ';
/** Sockets of all gates, and some sessions. */
const MORE_FILES = 60;

/** Longest time from submission to result of a job that the fault should not concern, in seconds. */
const SERVED_S: Readonly<Record<Peer, number>> = {
  ...{ gearmand: 30, keystone: 30, nova: 30, glance: 30, ssh: 30 },
  jenkins: 60, // until its target is known to be offline, nodes are launched for it too
  zeromq: 90, // a reconciliation each minute
  postgres: Infinity, // everything needs it
};

/** Lets one peer fail for a while under load, and looks at what else goes on, and whether all is well again afterwards. */
export async function runFault(
  fault: Fault,
  { farm, load }: { readonly farm: FaultFarm; readonly load: FaultLoad },
  signal: AbortSignal,
): Promise<FaultReport> {
  const before = usageOf(farm.daemon.pid, 0);
  const connections = (): number => farm.proxies.postgres[0]?.connections ?? 0;
  await using watch = new DaemonWatch(farm.daemon, connections);
  const first = load.jobs.length;
  await setFault(farm, fault.peer, fault.mode);
  await keepBusy(load, fault.ms, signal);
  await setFault(farm, fault.peer, undefined);
  const endedMs = systemClock.monotonicMs();
  const left = await untilFull(farm, load, signal);
  const recoveryS = Math.round((systemClock.monotonicMs() - endedMs) / 1000);
  const jobs = load.jobs.slice(first);
  const passes = [...watch.passes()].filter(([, seconds]) => seconds >= PASS_S);
  const { files, mib, connections: most } = watch.most;
  const minutes = Math.ceil((systemClock.monotonicMs() - endedMs + fault.ms) / 60_000);
  return {
    fault,
    complaints: watch.complaints(),
    broken: [
      ...left,
      ...jobs.flatMap((job) => complaintAbout(job, fault.peer) ?? []),
      ...(fault.peer === 'postgres' ? [] : passes.map(([name, s]) => `The pass of loop ${name} took ${s} s`)),
      ...(files > before.files + MORE_FILES ? [`${files} files are open instead of ${before.files}`] : []),
      ...(mib > MOST_MIB ? [`${mib} MiB are resident`] : []),
      ...(most > MOST_CONNECTIONS ? [`${most} connections to the database`] : []),
      ...tooOften(watch.complaints(), minutes),
    ],
    facts:
      `${jobs.length} jobs, longest west ${longestS(jobs, 'west')} s, east ${longestS(jobs, 'east')} s, ` +
      `full again after ${recoveryS} s, ${files} files, ${mib} MiB, ${most} connections, ` +
      `longest pass ${Math.max(0, ...watch.passes().values())} s`,
  };
}

export async function setFault(farm: FaultFarm, peer: Peer, mode: FaultMode | undefined): Promise<void> {
  for (const proxy of farm.proxies[peer]) await proxy.fail(mode);
}

async function keepBusy(load: FaultLoad, ms: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const lanes = LABELS.map((label) => load.keepBusy(label, over.signal));
  await systemClock.sleep(ms, signal).finally(() => {
    over.abort();
  });
  await Promise.all(lanes);
}

/** Waits until the pool is as it should be; what is still wrong after all the time. */
export async function untilFull(farm: FaultFarm, load: FaultLoad, signal: AbortSignal): Promise<readonly string[]> {
  const endMs = systemClock.monotonicMs() + RECOVERY_MS;
  for (;;) {
    const wrong = await whatIsWrong(farm, load);
    if (wrong.length === 0 || systemClock.monotonicMs() > endMs) return wrong;
    await systemClock.sleep(LOOK_MS, signal);
  }
}

async function whatIsWrong(farm: FaultFarm, load: FaultLoad): Promise<readonly string[]> {
  if (farm.daemon.hasEnded) throw new Error(`The daemon has ended:\n${farm.daemon.tail()}`);
  const nodes = await farm.tables.nodes.list();
  const ready = nodes.filter(({ state, registeredAt }) => state === 'ready' && registeredAt !== undefined);
  return [
    ...load.unfinished.map(({ label }) => `A job of ${label} waits`),
    ...nodes.filter((node) => !ready.includes(node)).map(({ id, state }) => `Node ${id} is stuck in ${state}`),
    ...LABELS.filter((label) => ready.filter((node) => node.label === label).length < MIN_READY).map(
      (label) => `Too few nodes of ${label} are ready`,
    ),
  ];
}

function complaintAbout({ label, submittedMs, endedMs, outcome }: LoadedJob, peer: Peer): string | undefined {
  if (outcome !== undefined && outcome !== 'completed') return `A job of ${label} ended by "${outcome}"`;
  const seconds = ((endedMs ?? systemClock.monotonicMs()) - submittedMs) / 1000;
  if (label !== 'west' || seconds <= SERVED_S[peer]) return undefined;
  return `A job of ${label} took ${Math.round(seconds)} s`;
}

function longestS(jobs: readonly LoadedJob[], label: string): number {
  const nowMs = systemClock.monotonicMs();
  const took = jobs.filter((job) => job.label === label).map((job) => (job.endedMs ?? nowMs) - job.submittedMs);
  return Math.round(Math.max(0, ...took) / 1000);
}

/** At once, at each change of state, once a minute; launches are told of one by one, and pause after three in a row. */
function tooOften(complaints: ReadonlyMap<string, number>, minutes: number): readonly string[] {
  const most = 6 + 3 * minutes;
  return [...complaints]
    .filter(([text, count]) => count > most && !text.includes(REPAIR))
    .map(([text, count]) => `Said ${count} times: ${text}`);
}
