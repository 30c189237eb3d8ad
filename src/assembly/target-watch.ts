import type { Agents } from '../node/agents.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Wakeup } from '../runtime/wakeup.ts';

/** Which targets take nodes. A target without Jenkins always does; one that was never asked does not yet. */
export class TargetWatch {
  readonly #log: Logger;
  readonly #changed: Wakeup;
  #online = new Map<string, boolean>();

  constructor(log: Logger, changed: Wakeup) {
    this.#log = log;
    this.#changed = changed;
  }

  /** Asks every Jenkins whether it takes nodes. */
  async poll(all: readonly Agents[], signal: AbortSignal): Promise<void> {
    const answers = await Promise.all(
      all.map(async (agents) => [agents.target, await agents.isOnline(signal)] as const),
    );
    signal.throwIfAborted();
    const before = this.#online;
    this.#online = new Map(answers);
    for (const [target, online] of answers) {
      if (before.get(target) === online) continue;
      if (online) this.#log.info(`Target ${target} is online`);
      else this.#log.warn(`Target ${target} is offline`);
      this.#changed.wake();
    }
  }

  isOnline(target: string, hasJenkins: boolean): boolean {
    return !hasJenkins || this.#online.get(target) === true;
  }
}
