import { systemClock } from '../src/runtime/clock.ts';
import type { FaultFarm } from './fault-farm.ts';
import type { FaultLoad, LoadedJob } from './fault-load.ts';
import { setFault, untilFull } from './run-fault.ts';

/** Jobs of each label at a time. */
const JOBS = { east: 8, west: 7 } as const;
/** Two reconciliations, and the deletion. */
const GONE_MS = 2 * 60_000 + 15_000;
const LOOK_MS = 500;

type CutReport = { readonly facts: string; readonly broken: readonly string[] };

type Scene = { readonly farm: FaultFarm; readonly load: FaultLoad };

/**
 * Lets no build event through for a while, in which 15 jobs at a time start and end. All their nodes must be gone within
 * two reconciliations of their end, and no other node may go.
 */
export async function cutEvents(ms: number, { farm, load }: Scene, signal: AbortSignal): Promise<CutReport> {
  const endMs = systemClock.monotonicMs() + ms;
  const nodes = new NodeTimes(farm);
  const jobs: LoadedJob[] = [];
  await setFault(farm, 'zeromq', 'refused');
  do {
    const batch = [...times(JOBS.east, 'east'), ...times(JOBS.west, 'west')].map((label) => load.submit(label));
    const ended = await nodes.watchWhile(Promise.all(batch), signal);
    jobs.push(...ended);
    await nodes.untilGone(ended, signal);
    await nodes.watchWhile(untilFull(farm, load, signal), signal);
  } while (systemClock.monotonicMs() < endMs);
  await setFault(farm, 'zeromq', undefined);
  const left = await untilFull(farm, load, signal);
  const lateMs = jobs.map(({ nodename = '', endedMs = 0 }) => (nodes.gone.get(nodename) ?? Infinity) - endedMs);
  const busy = new Set(jobs.map(({ nodename }) => nodename));
  const idle = [...nodes.gone.keys()].filter((nodename) => !busy.has(nodename));
  return {
    facts: `${jobs.length} jobs, the last of their nodes was gone after ${Math.round(Math.max(...lateMs) / 1000)} s`,
    broken: [
      ...left,
      ...jobs
        .filter(({ outcome }) => outcome !== 'completed')
        .map(({ outcome }) => `A job ended by "${outcome ?? ''}"`),
      ...lateMs.filter((late) => late > GONE_MS).map((late) => `A node stayed for ${Math.round(late / 1000)} s`),
      ...idle.map((nodename) => `Node ${nodename} went without a job`),
    ],
  };
}

function times<T>(count: number, item: T): readonly T[] {
  return Array<T>(count).fill(item);
}

/** Notes when nodes are gone. */
class NodeTimes {
  /** By nodename. */
  readonly gone = new Map<string, number>();
  readonly #farm: FaultFarm;
  #known = new Set<string>();

  constructor(farm: FaultFarm) {
    this.#farm = farm;
  }

  /** Waits until the nodes of these jobs are gone, but not for longer than they may stay. */
  async untilGone(jobs: readonly LoadedJob[], signal: AbortSignal): Promise<void> {
    const endMs = systemClock.monotonicMs() + GONE_MS + LOOK_MS;
    const areGone = (): boolean => jobs.every(({ nodename = '' }) => this.gone.has(nodename));
    const wait = async (): Promise<void> => {
      while (!areGone() && systemClock.monotonicMs() < endMs) await systemClock.sleep(LOOK_MS, signal);
    };
    await this.watchWhile(wait(), signal);
  }

  async watchWhile<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const done = new AbortController();
    const watching = this.#watch(done.signal);
    try {
      return await work;
    } finally {
      done.abort();
      await watching;
      signal.throwIfAborted();
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const rows = await this.#farm.tables.nodes.list();
      const now = new Set(rows.flatMap(({ nodename }) => nodename ?? []));
      for (const nodename of this.#known) if (!now.has(nodename)) this.gone.set(nodename, systemClock.monotonicMs());
      this.#known = now;
      await systemClock.sleep(LOOK_MS, signal).catch(() => undefined); // enough: the loop ends
    }
  }
}
