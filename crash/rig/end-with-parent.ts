import { systemClock } from '../../src/runtime/clock.ts';

const LOOK_MS = 1_000;

/** Ends this process soon after the one that started it has ended, however that ended. */
export async function endWithParent(): Promise<never> {
  const parent = process.ppid;
  while (process.ppid === parent) await systemClock.sleep(LOOK_MS);
  process.exit(1);
}
