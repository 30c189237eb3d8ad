/** Runtime: what every long-running program needs and nothing that is Nodepool's own. */
import { DeadlineExceededError } from './errors.ts';
import { joinSignals } from './join-signals.ts';

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The only source of time and of waiting. Tests pass a clock that they move by hand. */
export interface Clock {
  /** Wall-clock time, for what is stored and shown. */
  now(): Date;
  /** Milliseconds of a clock that never runs backwards, for measuring how long something took. */
  monotonicMs(): number;
  /**
   * Waits `ms` milliseconds.
   * @throws the signal's reason as soon as `signal` is aborted
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    let leftMs = ms;
    for (; leftMs > LONGEST_TIMER_MS; leftMs -= LONGEST_TIMER_MS) await sleepOnce(LONGEST_TIMER_MS, signal);
    await sleepOnce(leftMs, signal);
  },
};

/** Not Node's own promise of a timer, which makes an exception with a stack for every sleep that ends early. */
async function sleepOnce(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const wake = (): void => {
      signal?.removeEventListener('abort', wake);
      clearTimeout(timer);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else resolve();
    };
    const timer = setTimeout(wake, ms);
    signal?.addEventListener('abort', wake);
  });
}

/** What is bounded, and by how much. */
export type Deadline = {
  /** Names the wait in the error: "Keystone of provider wmf to answer". */
  readonly what: string;
  readonly ms: number;
};

/** A reason of our own: `abort()` makes an exception with a stack, and this happens at every call of every peer. */
const IN_TIME = 'in time';

/**
 * Runs `work` with a signal that is aborted when the deadline passes or `signal` is.
 * Does not wait for work that ignores its signal.
 * @throws {DeadlineExceededError} the time is over
 */
export async function withDeadline<T>(
  deadline: Deadline,
  deps: { readonly clock: Clock; readonly signal?: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const inner = new AbortController();
  const timer = deps.clock.sleep(deadline.ms, done.signal).then(() => {
    inner.abort(new DeadlineExceededError(deadline.what, deadline.ms));
  });
  timer.catch(() => undefined); // ended by `done`: the work was in time
  using joined = joinSignals(inner.signal, ...(deps.signal === undefined ? [] : [deps.signal]));
  const { signal } = joined;
  try {
    signal.throwIfAborted();
    return await Promise.race([work(signal), rejectOnAbort(signal, done.signal)]);
  } catch (error) {
    // The work may wrap the abort in an error of its own; the caller must see the deadline.
    signal.throwIfAborted();
    throw error;
  } finally {
    done.abort(IN_TIME);
  }
}

function rejectOnAbort(signal: AbortSignal, done: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('Aborted', { cause: signal.reason }));
    };
    signal.addEventListener('abort', onAbort, { once: true, signal: done });
  });
}
