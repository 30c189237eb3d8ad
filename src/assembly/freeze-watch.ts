import type { Freeze, FreezeStore } from '../node/freeze-store.ts';
import type { Logger } from '../runtime/logger.ts';

/** Whether an operator froze the farm, as it was read last: asked before each launch and deletion, so it must cost nothing. */
export class FreezeWatch {
  readonly #store: Pick<FreezeStore, 'find'>;
  readonly #log: Logger;
  #freeze: Freeze | undefined;

  constructor(store: Pick<FreezeStore, 'find'>, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  get isFrozen(): boolean {
    return this.#freeze !== undefined;
  }

  /** Reads it again and says so if it changed; tells whether the farm thawed. */
  async poll(): Promise<'thawed' | 'unchanged'> {
    const before = this.#freeze;
    this.#freeze = await this.#store.find();
    if (before === undefined && this.#freeze !== undefined) {
      const { who, why, since } = this.#freeze;
      this.#log.warn(`The farm is frozen: no launch and no deletion begins until "nodepool thaw"`, { who, why, since });
    }
    if (before === undefined || this.#freeze !== undefined) return 'unchanged';
    this.#log.info('The farm is no longer frozen');
    return 'thawed';
  }
}
