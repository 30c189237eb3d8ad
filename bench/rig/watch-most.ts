import { systemClock } from '../../src/runtime/clock.ts';

const EVERY_MS = 100;

/** Looks at a number all the while that `work` runs, and gives the highest with what the work gives. */
export async function watchMost<Result>(
  look: () => Promise<number>,
  work: () => Promise<Result>,
): Promise<{ readonly mostOf: number; readonly cost: Result }> {
  const done = new AbortController();
  let mostOf = 0;
  const watching = (async () => {
    while (!done.signal.aborted) {
      mostOf = Math.max(mostOf, await look());
      await systemClock.sleep(EVERY_MS, done.signal).catch(() => undefined); // the work is done
    }
  })();
  const cost = await work();
  done.abort();
  await watching;
  return { mostOf, cost };
}
