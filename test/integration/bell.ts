/** Rings when something may have changed; whoever waits looks again. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** What `look` finds, now or after some ring. */
  async until<T>(look: () => Promise<T | undefined>, signal: AbortSignal): Promise<T> {
    for (;;) {
      const rung = this.#next(); // before the look: what changes while it looks is not missed
      const found = await look();
      if (found !== undefined) return found;
      await rung;
      signal.throwIfAborted();
    }
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }
}
