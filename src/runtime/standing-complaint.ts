import type { Clock } from './clock.ts';
import { describeError } from './errors.ts';
import type { Logger } from './logger.ts';

const REPEAT_MS = 60_000;

/**
 * Tells of something that fails again and again: at once, at once again when the reason changes, else once a minute with
 * the number of failures; and when it works again.
 */
export class StandingComplaint {
  readonly #deps: { readonly clock: Clock; readonly log: Logger };
  #reason: string | undefined;
  #failures = 0;
  #saidMs = 0;

  constructor(deps: { readonly clock: Clock; readonly log: Logger }) {
    this.#deps = deps;
  }

  /** How often it failed since it worked last. */
  get failures(): number {
    return this.#failures;
  }

  failed(what: string, error: unknown): void {
    const { clock, log } = this.#deps;
    const nowMs = clock.monotonicMs();
    const reason = describeError(error);
    this.#failures += 1;
    if (reason === this.#reason && nowMs - this.#saidMs < REPEAT_MS) return;
    this.#saidMs = nowMs;
    this.#reason = reason;
    log.error(this.#failures === 1 ? what : `${what} (${this.#failures} times in a row)`, { error });
  }

  /** Says so if it had failed before. */
  worked(what: string): void {
    if (this.#failures > 0) this.#deps.log.info(`${what} after ${this.#failures} failed tries`);
    this.#failures = 0;
    this.#reason = undefined;
  }
}
