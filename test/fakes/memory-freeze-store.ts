import type { Cause } from '../../src/node/cause.ts';
import type { Freeze, FreezeStore } from '../../src/node/freeze-store.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { FakeClock } from './fake-clock.ts';

/** The operator's brake in memory. Held to the store contract. */
export class MemoryFreezeStore implements FreezeStore {
  readonly #clock: Clock;
  #freeze: Freeze | undefined;

  constructor(clock: Clock = new FakeClock()) {
    this.#clock = clock;
  }

  find(): Promise<Freeze | undefined> {
    return Promise.resolve(this.#freeze);
  }

  freeze(cause: Cause): Promise<Freeze> {
    this.#freeze = { since: this.#freeze?.since ?? this.#clock.now(), ...cause };
    return Promise.resolve(this.#freeze);
  }

  thaw(): Promise<boolean> {
    const wasFrozen = this.#freeze !== undefined;
    this.#freeze = undefined;
    return Promise.resolve(wasFrozen);
  }
}
