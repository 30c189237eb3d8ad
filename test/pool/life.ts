/** Called before the `count`-th outside call of a process, whose name is given. */
export type BeforeCall = (count: number, name: string) => void | Promise<void>;

/** What a process does outside itself, counted, and the moment at which it is killed. */
export class Life {
  /** Names of all outside calls, in order. */
  readonly calls: string[] = [];
  beforeCall: BeforeCall = () => undefined;
  readonly #died: Promise<void>;
  #dead = false;
  #tellDeath: () => void = () => undefined;
  readonly #diesAt: number;
  readonly #how: 'before' | 'after';

  /** Dies just before, or just after, its `diesAt`-th outside call; 0: never. */
  constructor(diesAt = 0, how: 'before' | 'after' = 'before') {
    this.#diesAt = diesAt;
    this.#how = how;
    this.#died = new Promise((resolve) => {
      this.#tellDeath = resolve;
    });
  }

  isDead(): boolean {
    return this.#dead;
  }

  /** Kills the process now: nothing that it calls from here on is done, or answers. */
  kill(): void {
    this.#dead = true;
    this.#tellDeath();
  }

  /** Waits for the work, or for the end of the process that does it. */
  async of(work: Promise<unknown>): Promise<void> {
    await Promise.race([work, this.#died]);
  }

  /** A peer as this process has it. */
  readonly wrap = <T extends object>(peer: T): T =>
    new Proxy(peer, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (typeof name === 'symbol' || name === 'addressesOf') return value.bind(target) as unknown;
        return (...args: unknown[]) => this.#call(name, () => Reflect.apply(value, target, args) as unknown);
      },
    });

  async #call(name: string, call: () => unknown): Promise<unknown> {
    if (this.isDead()) return await never();
    this.calls.push(name);
    const isLast = this.calls.length === this.#diesAt;
    await this.beforeCall(this.calls.length, name);
    if (isLast && this.#how === 'before') this.kill();
    if (this.isDead()) return await never();
    const result = await call();
    if (isLast) this.kill();
    if (this.isDead()) return await never();
    return isSession(result) ? this.wrap(result) : result;
  }
}

function isSession(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'writeFile' in value;
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
