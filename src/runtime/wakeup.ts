import type { Clock } from './clock.ts';
import { joinSignals } from './join-signals.ts';

/** Wakes one waiting loop. Wakes that come while nobody waits are remembered as one, so none is lost. */
export class Wakeup {
  readonly #clock: Clock;
  #pending = false;
  #waiter: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#pending = true;
    this.#waiter?.abort();
  }

  /**
   * Returns after `wake()` or after `ms`, whichever is first.
   * @throws the signal's reason if `signal` is aborted
   */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#pending) {
      const waiter = new AbortController();
      this.#waiter = waiter;
      using either = joinSignals(waiter.signal, signal);
      await this.#clock.sleep(ms, either.signal).catch(() => undefined); // woken, or aborted: told apart below
      this.#waiter = undefined;
    }
    signal.throwIfAborted();
    this.#pending = false;
  }
}
