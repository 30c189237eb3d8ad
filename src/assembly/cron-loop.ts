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
  for (let last: Date | undefined; !signal.aborted;) {
    const { source, pattern } = loop.schedule();
    task.waitOn(`the next time of "${source}"`);
    const due = await awaitTime({ pattern, last }, deps, signal);
    if (due === undefined) continue;
    last = due;
    task.waitOn('its pass');
    await loop.pass(signal).catch((error: unknown) => {
      if (!isAbort(error, signal)) deps.log.error(`Pass of cron ${loop.name} failed`, { error });
    });
  }
}

type Wait = {
  readonly pattern: string;
  /** When it was due last. */
  readonly last: Date | undefined;
};

/** The time that has come; undefined: look again at the schedule. */
async function awaitTime({ pattern, last }: Wait, deps: LoopDeps, signal: AbortSignal): Promise<Date | undefined> {
  const now = deps.clock.now();
  // A timer may end a moment early: the time that it was for must not come twice. A clock set back counts anew.
  const isJustBefore = last !== undefined && last > now && last.getTime() - now.getTime() < 1000;
  const next = new Cron(pattern, { mode: '6-part', domAndDow: true }).nextRun(isJustBefore ? last : now);
  const waitMs = next === null ? Infinity : next.getTime() - now.getTime();
  await deps.clock.sleep(Math.min(waitMs, LOOK_AGAIN_MS), signal).catch(() => undefined); // aborted: the loop ends
  return waitMs > LOOK_AGAIN_MS || signal.aborted ? undefined : (next ?? undefined);
}
