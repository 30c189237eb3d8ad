import type { FloatingIp } from '../provider/cloud-provider.ts';
import type { Clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

/** Such addresses are rare, and the list that shows them holds the whole project's. */
const LOOK_MS = 60_000;

export type FreedAddressesDeps = {
  /** Must end by itself: all who wait share it. */
  readonly read: () => Promise<readonly FloatingIp[]>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** The addresses of a provider that lead nowhere and bear a Nodepool's note, read at most once in a minute. */
export class FreedAddresses {
  readonly #deps: FreedAddressesDeps;
  #free: FloatingIp[] = [];
  #lookAtMs = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(deps: FreedAddressesDeps) {
    this.#deps = deps;
  }

  /** The next one, which nobody else in this process is given; undefined: there is none, or the cloud does not say. */
  async next(signal: AbortSignal): Promise<FloatingIp | undefined> {
    if (this.#deps.clock.monotonicMs() >= this.#lookAtMs) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
    }
    if (this.#reading !== undefined) await unlessAborted(this.#reading, signal);
    return this.#free.shift();
  }

  /** A new address serves as well: what fails here must not cost a launch. */
  async #read(): Promise<void> {
    const { read, clock, log } = this.#deps;
    try {
      this.#free = [...(await read())];
    } catch (error) {
      this.#free = [];
      log.debug(`Cannot look for floating addresses to use again: ${describeError(error)}`);
    }
    this.#lookAtMs = clock.monotonicMs() + LOOK_MS;
  }
}
