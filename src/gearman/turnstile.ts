import { Deferred } from './deferred.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

/** Lets one holder in at a time, in the order of asking. */
export class Turnstile {
  readonly #waiting = new Set<Deferred<undefined>>();
  #isTaken = false;

  /**
   * Waits for the turn; disposing what it gives ends the turn.
   * @throws the signal's reason if it is aborted while waiting
   */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#isTaken) await this.#wait(signal);
    this.#isTaken = true;
    return {
      [Symbol.dispose]: () => {
        this.#passOn();
      },
    };
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const turn = new Deferred<undefined>();
    this.#waiting.add(turn);
    try {
      await unlessAborted(turn.promise, signal);
    } catch (error) {
      // Not waiting any more: the turn came together with the abort, and others must not lose it.
      if (!this.#waiting.delete(turn)) this.#passOn();
      throw error;
    }
  }

  #passOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#isTaken = false;
      return;
    }
    this.#waiting.delete(next);
    next.resolve(undefined);
  }
}
