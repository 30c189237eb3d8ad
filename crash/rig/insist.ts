import { describeError } from '../../src/runtime/errors.ts';
import { systemClock } from '../../src/runtime/clock.ts';

const START_TRIES = 5;
const START_AGAIN_MS = 500;

/** Starts something again where it was: somebody's outgoing connection may have the port for a moment. */
export async function insist<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start();
    } catch (error) {
      if (tries === START_TRIES) throw new Error(`Cannot start it again: ${describeError(error)}`, { cause: error });
      await systemClock.sleep(START_AGAIN_MS);
    }
  }
}
