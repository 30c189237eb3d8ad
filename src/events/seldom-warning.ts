import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';

/** Warns of something that may come thousands of times a second: the first at once, then one line a minute with the count. */
export class SeldomWarning {
  readonly #deps: { readonly clock: Clock; readonly log: Logger };
  readonly #intervalMs: number;
  #count = 0;
  #unsaid = 0;
  #nextMs = -Infinity;

  constructor(deps: { readonly clock: Clock; readonly log: Logger }, intervalMs = 60_000) {
    this.#deps = deps;
    this.#intervalMs = intervalMs;
  }

  /** How often it happened, said or not. */
  get count(): number {
    return this.#count;
  }

  warn(message: string): void {
    this.#count += 1;
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs < this.#nextMs) {
      this.#unsaid += 1;
      return;
    }
    this.#nextMs = nowMs + this.#intervalMs;
    this.#deps.log.warn(
      this.#unsaid === 0 ? message : `${message} (and ${this.#unsaid} more since the last such line)`,
    );
    this.#unsaid = 0;
  }
}
