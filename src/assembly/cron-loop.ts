import { Cron } from 'croner';
import type { CronSchedule } from '../config/cron-schedule.ts';
import type { LoopDeps } from '../runtime/control-loop.ts';
import { isAbort } from '../runtime/errors.ts';

/** How long to look ahead at most, so that a changed schedule is noticed. */
const LOOK_AGAIN_MS = 10_000;

export type CronLoop = {
  readonly name: string;
  /** Read before every wait: the configuration may change. */
  readonly schedule: () => CronSchedule;
  readonly pass: (signal: AbortSignal) => Promise<void>;
};

/** Runs passes at the times of a schedule, in the local time zone. A time that comes while a pass runs is skipped. */
export async function runCronLoop(loop: CronLoop, deps: LoopDeps, signal: AbortSignal): Promise<void> {
  using task = deps.tasks.start(`Cron ${loop.name}`);
  while (!signal.aborted) {
    const { source, pattern } = loop.schedule();
    task.waitOn(`the next time of "${source}"`);
    if (!(await waitForTime(pattern, deps, signal))) continue;
    task.waitOn('its pass');
    await loop.pass(signal).catch((error: unknown) => {
      if (!isAbort(error, signal)) deps.log.error(`Pass of cron ${loop.name} failed`, { error });
    });
  }
}

/** True: the time has come. False: look again at the schedule. */
async function waitForTime(pattern: string, deps: LoopDeps, signal: AbortSignal): Promise<boolean> {
  const now = deps.clock.now();
  const next = new Cron(pattern, { legacyMode: false }).nextRun(now);
  const waitMs = next === null ? Infinity : next.getTime() - now.getTime();
  await deps.clock.sleep(Math.min(waitMs, LOOK_AGAIN_MS), signal).catch(() => undefined); // aborted: the loop ends
  return waitMs <= LOOK_AGAIN_MS && !signal.aborted;
}
