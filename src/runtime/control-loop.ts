import { type Backoff, fullBackoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { isAbort } from './errors.ts';
import type { Logger } from './logger.ts';
import { StandingComplaint } from './standing-complaint.ts';
import type { TaskBoard } from './task-board.ts';
import { Wakeup } from './wakeup.ts';

export type ControlLoop = {
  /** Shown on the task board and in log lines. */
  readonly name: string;
  /** Longest time between the end of a pass and the next one; a function where it depends on what the pass found. */
  readonly intervalMs: number | (() => number);
  /** Wakes the loop before its interval is over. */
  readonly wakeup?: Wakeup;
  /** After a wake-up, how long to gather further ones before the pass begins. Default 0. */
  readonly debounceMs?: number;
  /** One pass. A failure is logged and the loop goes on. */
  readonly pass: (signal: AbortSignal) => Promise<void>;
};

export type LoopDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: TaskBoard;
};

/** What failed at once would fail again at once: a wake-up that comes meanwhile waits. */
const AFTER_FAILURE: Backoff = { firstMs: 500, maxMs: 10_000 };

/** Runs passes until aborted. A failed pass is logged, and tried again after a pause: one bad peer must not stop the daemon. */
export async function runControlLoop(loop: ControlLoop, deps: LoopDeps, signal: AbortSignal): Promise<void> {
  using task = deps.tasks.start(`Loop ${loop.name}`);
  const wakeup = loop.wakeup ?? new Wakeup(deps.clock);
  const complaint = new StandingComplaint(deps);
  while (!signal.aborted) {
    task.waitOn('its pass');
    await runPass(loop, complaint, signal);
    if (complaint.failures > 0) {
      const pauseMs = fullBackoffMs(complaint.failures, AFTER_FAILURE);
      task.waitOn(`${pauseMs} ms after a failed pass`);
      await deps.clock.sleep(pauseMs, signal).catch(() => undefined); // aborted: the loop ends above
      continue;
    }
    const intervalMs = typeof loop.intervalMs === 'number' ? loop.intervalMs : loop.intervalMs();
    task.waitOn(`a wake-up, or ${intervalMs} ms`);
    await wakeup.wait(intervalMs, signal).catch(() => undefined); // aborted: the loop ends above
    if (loop.debounceMs !== undefined) await deps.clock.sleep(loop.debounceMs, signal).catch(() => undefined);
  }
}

/** Also for a pass that throws before its first wait: only abortion ends the loop. */
async function runPass(loop: ControlLoop, complaint: StandingComplaint, signal: AbortSignal): Promise<void> {
  try {
    await loop.pass(signal);
    complaint.worked(`Loop ${loop.name} works again`);
  } catch (error) {
    if (!isAbort(error, signal)) complaint.failed(`Pass of loop ${loop.name} failed`, error);
  }
}
