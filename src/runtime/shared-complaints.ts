import type { Clock } from './clock.ts';
import type { Facts, Logger } from './logger.ts';

const REPEAT_MS = 60_000;

type Trouble = { saidMs: number; unsaid: number };

/**
 * Complaints of many tasks that meet the same trouble: of each trouble one warning at once, then one a minute with the
 * number of those that were left out, which are logged as debug.
 */
export class SharedComplaints {
  readonly #deps: { readonly clock: Clock; readonly log: Logger };
  /** By trouble. Bounded by what callers name: peers of the configuration. */
  readonly #troubles = new Map<string, Trouble>();

  constructor(deps: { readonly clock: Clock; readonly log: Logger }) {
    this.#deps = deps;
  }

  /** @param trouble what the tasks have in common, e.g. the peer that they wait for */
  failed(trouble: string, message: string, facts: Facts = {}): void {
    const { clock, log } = this.#deps;
    const nowMs = clock.monotonicMs();
    const known = this.#troubles.get(trouble);
    if (known !== undefined && nowMs - known.saidMs < REPEAT_MS) {
      known.unsaid += 1;
      log.debug(message, facts);
      return;
    }
    const unsaid = known?.unsaid ?? 0;
    log.warn(unsaid === 0 ? message : `${message} (and ${unsaid} more like it since the last such line)`, facts);
    this.#troubles.set(trouble, { saidMs: nowMs, unsaid: 0 });
  }

  /** The trouble is over: the next one is told at once. */
  worked(trouble: string): void {
    this.#troubles.delete(trouble);
  }
}
