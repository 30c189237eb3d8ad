import { systemClock } from '../../src/runtime/clock.ts';

/**
 * Looks again and again until `look` is true.
 * @throws {Error} it is not within `ms`
 */
export async function until(
  what: string,
  { ms, everyMs = 20 }: { readonly ms: number; readonly everyMs?: number },
  look: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = systemClock.monotonicMs() + ms;
  while (!(await look())) {
    if (systemClock.monotonicMs() > endMs) throw new Error(`Waited ${ms / 1000} s in vain for ${what}`);
    await systemClock.sleep(everyMs);
  }
}
