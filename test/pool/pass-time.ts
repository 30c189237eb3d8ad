import type { FakeClock } from '../fakes/fake-clock.ts';

/** Lets all work go on until it waits for the clock or for a peer that hangs. */
export async function letWorkGoOn(): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) await Promise.resolve();
}

/** Moves the clock on by `ms` in small steps, after each of which all work goes on. */
export async function passTime(clock: FakeClock, ms: number, stepMs = 100): Promise<void> {
  await letWorkGoOn();
  for (let passedMs = 0; passedMs < ms; passedMs += stepMs) {
    await clock.advance(Math.min(stepMs, ms - passedMs));
    await letWorkGoOn();
  }
}
