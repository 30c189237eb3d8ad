import type { Agents } from '../node/agents.ts';
import type { LoopDeps } from '../runtime/control-loop.ts';
import type { Logger } from '../runtime/logger.ts';
import { PartedPass } from '../runtime/parted-pass.ts';
import type { Wakeup } from '../runtime/wakeup.ts';

/** Which targets take nodes. A target without Jenkins always does; one that was never asked does not yet. */
export class TargetWatch {
  readonly #log: Logger;
  readonly #changed: Pick<Wakeup, 'wake'>;
  readonly #eachTarget: PartedPass;
  readonly #online = new Map<string, boolean>();

  /** @param changed woken when a target goes offline or comes online */
  constructor(deps: LoopDeps, changed: Pick<Wakeup, 'wake'>) {
    this.#log = deps.log;
    this.#eachTarget = new PartedPass('Target', deps);
    this.#changed = changed;
  }

  /** Asks every Jenkins whether it takes nodes. One that hangs is what it was until it answers or its call ends. */
  async poll(all: readonly Agents[], signal: AbortSignal): Promise<void> {
    const configured = new Set(all.map(({ target }) => target));
    for (const target of this.#online.keys()) if (!configured.has(target)) this.#online.delete(target);
    const parts = all.map((agents) => ({
      name: agents.target,
      pass: (inner: AbortSignal) => this.#ask(agents, inner),
    }));
    await this.#eachTarget.run(parts, signal);
  }

  /** Resolves when no question is under way. */
  async settled(): Promise<void> {
    await this.#eachTarget.settled();
  }

  async #ask(agents: Agents, signal: AbortSignal): Promise<void> {
    const { target } = agents;
    const online = await agents.isOnline(signal);
    signal.throwIfAborted();
    if (this.#online.get(target) === online) return;
    this.#online.set(target, online);
    if (online) this.#log.info(`Target ${target} is online`);
    else this.#log.warn(`Target ${target} is offline`);
    this.#changed.wake();
  }

  isOnline(target: string, hasJenkins: boolean): boolean {
    return !hasJenkins || this.#online.get(target) === true;
  }
}
