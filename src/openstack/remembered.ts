import type { Clock } from '../runtime/clock.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

const KEEP_MS = 5 * 60_000;
/** A miss reads anew, but not again and again for a thing that is not there. */
const REREAD_AFTER_MS = 10_000;

/** A list of the cloud that seldom changes: read when first needed, kept for some minutes, read once by all who need it. */
export class Remembered<T> {
  readonly #read: () => Promise<T>;
  readonly #clock: Clock;
  #value: { readonly it: T; readonly readMs: number } | undefined;
  #reading: Promise<T> | undefined;

  /** @param read must end by itself: callers share it, so it takes no caller's signal */
  constructor(read: () => Promise<T>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /**
   * What `find` sees in the list; the list is read anew if `find` sees nothing in an old one.
   * @throws what the read throws
   */
  async find<R>(find: (it: T) => R | undefined, signal: AbortSignal): Promise<R | undefined> {
    const known = this.#value;
    const ageMs = known === undefined ? Infinity : this.#clock.monotonicMs() - known.readMs;
    const found = known === undefined || ageMs >= KEEP_MS ? undefined : find(known.it);
    if (found !== undefined || ageMs < REREAD_AFTER_MS) return found;
    return find(await unlessAborted(this.#readOnce(), signal));
  }

  forget(): void {
    this.#value = undefined;
  }

  #readOnce(): Promise<T> {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readNow(): Promise<T> {
    const readMs = this.#clock.monotonicMs();
    const it = await this.#read();
    this.#value = { it, readMs };
    return it;
  }
}
