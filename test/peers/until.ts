import { systemClock } from '../../src/runtime/clock.ts';

/**
 * Waits until `holds` does: only for other programs, which tell us nothing of what they do.
 * @throws {Error} not within `deadlineMs`
 */
export async function until(what: string, holds: () => Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  const end = systemClock.monotonicMs() + deadlineMs;
  while (!(await holds())) {
    if (systemClock.monotonicMs() > end) throw new Error(`Not within ${deadlineMs} ms: ${what}`);
    await systemClock.sleep(15);
  }
}
