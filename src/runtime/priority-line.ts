/** Who waits, by priority; those of one priority in the order of their coming. */
type Waiter = { readonly admit: () => void };

/** A line in which who is more urgent goes first. Who is aborted leaves it. */
export class PriorityLine {
  /** No entry is empty. */
  readonly #byPriority = new Map<number, Set<Waiter>>();
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Waits until `admitNext` chooses this one. Higher priorities go first.
   * @throws the signal's reason; who was admitted before does not hear of it any more
   */
  async join(priority: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#remove(priority, waiter);
        reject(signal.reason as Error); // as throwIfAborted does
      };
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#add(priority, waiter);
    });
  }

  /** Lets the first one through; does nothing if nobody waits. */
  admitNext(): void {
    if (this.#size === 0) return;
    const priority = Math.max(...this.#byPriority.keys());
    for (const waiter of this.#byPriority.get(priority) ?? []) {
      this.#remove(priority, waiter);
      waiter.admit();
      return;
    }
  }

  #add(priority: number, waiter: Waiter): void {
    const equals = this.#byPriority.get(priority) ?? new Set();
    this.#byPriority.set(priority, equals.add(waiter));
    this.#size += 1;
  }

  #remove(priority: number, waiter: Waiter): void {
    const equals = this.#byPriority.get(priority);
    if (equals?.delete(waiter) !== true) return;
    this.#size -= 1;
    if (equals.size === 0) this.#byPriority.delete(priority);
  }
}
