import { systemClock } from '../../src/runtime/clock.ts';

export type Patience = {
  readonly ms: number;
  /** Between two looks. Default 20. */
  readonly everyMs?: number;
};

/**
 * Looks again and again until `look` is true.
 * @throws {Error} it is not within `ms`
 * @throws the signal's reason if it is aborted
 */
export async function until(
  what: string,
  { ms, everyMs = 20, signal }: Patience & { readonly signal: AbortSignal },
  look: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = systemClock.monotonicMs() + ms;
  while (!(await look())) {
    if (systemClock.monotonicMs() > endMs) throw new Error(`Waited ${ms / 1000} s in vain for ${what}`);
    await systemClock.sleep(everyMs, signal);
  }
}
