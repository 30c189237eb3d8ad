import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 30;

/** Looks until `look` gives something, and gives that; undefined: it did not within `ms`. */
export async function pollUntil<T>(
  ms: number,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T | undefined> {
  const endMs = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined || Date.now() > endMs) return found;
    await sleep(POLL_MS);
  }
}
