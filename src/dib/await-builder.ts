import type { BuilderJobs, BuilderOffers } from '../image/builder-jobs.ts';
import type { Clock } from '../runtime/clock.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import type { Task } from '../runtime/task-board.ts';
import { DibError } from './dib-errors.ts';

const POLL_MS = 5_000;
const WATCH_MS = 60_000;
/** A builder that restarts is back sooner, and takes its job again. */
const LOST_MS = 10 * 60_000;

export type AwaitBuilderDeps = {
  readonly jobs: Pick<BuilderJobs, 'offers'>;
  readonly clock: Clock;
  readonly task: Task;
};

/** What is waited for, and for how long at most. */
export type BuilderWait = {
  /** Such as `disk image trusty`. */
  readonly what: string;
  readonly ms: number;
  readonly isOffered: (offers: BuilderOffers) => boolean;
  /** Called once, if it is not offered yet. */
  readonly onWait?: () => Promise<void>;
};

/**
 * Waits until a builder offers the work: a job that nobody takes would stay at Gearman for ever.
 * @throws {DibError} none does in time
 */
export async function awaitBuilder(wait: BuilderWait, deps: AwaitBuilderDeps, signal: AbortSignal): Promise<void> {
  const { jobs, clock, task } = deps;
  const startedMs = clock.monotonicMs();
  task.waitOn(`a builder that offers ${wait.what}`);
  for (let tries = 1; ; tries += 1) {
    const offers = await jobs.offers(signal);
    if (offers !== undefined && wait.isOffered(offers)) return;
    if (tries === 1) await wait.onWait?.();
    if (clock.monotonicMs() - startedMs >= wait.ms) {
      const nobody = offers === undefined ? 'No Gearman server answers' : `No builder offers ${wait.what}`;
      throw new DibError(`${nobody}: is nodepool-builder running?`);
    }
    await clock.sleep(POLL_MS, signal);
  }
}

/** What is at work. */
export type OfferedWork = Pick<BuilderWait, 'what' | 'isOffered'> & {
  /** For how long nobody may offer it; default: ten minutes. */
  readonly lostMs?: number;
};

/**
 * Runs `work`, which waits for a builder's job, as long as some builder offers it: Gearman keeps a job whose builder was killed
 * until another one comes, and perhaps none does.
 * @throws {DibError} no builder has offered it for that long
 */
export async function whileOffered<T>(
  wait: OfferedWork,
  work: (signal: AbortSignal) => Promise<T>,
  deps: Pick<AwaitBuilderDeps, 'jobs' | 'clock'> & { readonly signal: AbortSignal },
): Promise<T> {
  const over = new AbortController();
  using joined = joinSignals(over.signal, deps.signal);
  try {
    return await Promise.race([work(joined.signal), untilLost(wait, deps, joined.signal)]);
  } finally {
    over.abort(new Error('The job is over'));
  }
}

async function untilLost(
  { what, isOffered, lostMs = LOST_MS }: OfferedWork,
  { jobs, clock }: Pick<AwaitBuilderDeps, 'jobs' | 'clock'>,
  signal: AbortSignal,
): Promise<never> {
  for (let seenMs = clock.monotonicMs(); ;) {
    await clock.sleep(WATCH_MS, signal);
    const offers = await jobs.offers(signal);
    const nowMs = clock.monotonicMs();
    // No server that answers is no news of builders; a lost connection ends the job itself.
    if (offers === undefined || isOffered(offers)) seenMs = nowMs;
    else if (nowMs - seenMs >= lostMs) throw new DibError(`The builder was lost: nobody offers ${what} any more`);
  }
}
