/** A process that is killed at a chosen call to the outside world: from then on it does nothing more. */
export class MortalLife {
  readonly #killAt: number;
  readonly #moment: 'before' | 'after';
  readonly #death = new AbortController();
  /** The calls made, by name. */
  readonly calls: string[] = [];

  /** @param killAt number of the call, from 1; @param moment whether that call is still done */
  constructor(killAt = Infinity, moment: 'before' | 'after' = 'before') {
    this.#killAt = killAt;
    this.#moment = moment;
  }

  /** Aborted by the death, so that the dead code's promises end. */
  get signal(): AbortSignal {
    return this.#death.signal;
  }

  /** The same object as this process sees it; what its methods give is seen so too, where it has methods itself. */
  see<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, key) => {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function' || key === 'addressesOf' || key === Symbol.asyncDispose) return value;
        return (...args: readonly unknown[]) =>
          this.#call(String(key), () => Reflect.apply(value, target, args) as unknown);
      },
    });
  }

  async #call(name: string, work: () => unknown): Promise<unknown> {
    this.#death.signal.throwIfAborted();
    this.calls.push(name);
    const isLast = this.calls.length === this.#killAt;
    if (!isLast || this.#moment === 'after') {
      const result = await work();
      if (!isLast) return name === 'open' && typeof result === 'object' && result !== null ? this.see(result) : result;
    }
    this.#death.abort(new Error('Killed'));
    throw this.#death.signal.reason;
  }
}
