import { type Clock, withDeadline } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';

/** For each thing that must go. */
const REMOVAL_MS = 30_000;

type Removal = (signal: AbortSignal) => Promise<void>;

export type RemovalDeps = {
  readonly provider: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the provider is closed: until then we clean up, also after the caller has given up. */
  readonly closing: AbortSignal;
};

/** What an upload has, or may have, made so far in the cloud; keys are as messages name them. */
export class UploadLeftovers {
  readonly #removals = new Map<string, Removal>();

  /** Call it before the thing is made. */
  add(what: string, remove: Removal): void {
    this.#removals.set(what, remove);
  }

  /** It was not made, or it is to stay. */
  forget(what: string): void {
    this.#removals.delete(what);
  }

  /** Removes all of it, newest first; gives whether it is gone. What cannot be removed is logged. */
  async removeAll(deps: RemovalDeps): Promise<boolean> {
    let isClean = true;
    for (const what of [...this.#removals.keys()].reverse()) isClean = (await this.remove(what, deps)) && isClean;
    return isClean;
  }

  /** Removes one thing; gives whether it is gone. */
  async remove(what: string, { provider, clock, log, closing }: RemovalDeps): Promise<boolean> {
    const removal = this.#removals.get(what);
    if (removal === undefined) return true;
    const deadline = { what: `${what} to be removed`, ms: REMOVAL_MS };
    try {
      await withDeadline(deadline, { clock, signal: closing }, removal);
      this.#removals.delete(what);
      return true;
    } catch (error) {
      log.warn(`Cannot remove from ${provider} what an upload made: ${what}`, { error });
      return false;
    }
  }
}
