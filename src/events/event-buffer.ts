/** A queue between sockets that never wait and a consumer that may: full, it forgets the oldest and counts them. */
export class EventBuffer<T> {
  readonly #capacity: number;
  #items: T[] = [];
  /** Index of the oldest one: shifting an array of 20,000 for each event would cost more than the event. */
  #start = 0;
  #waiter: (() => void) | undefined;
  #closed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length - this.#start;
  }

  /** Adds an item; false: the oldest was forgotten for it. */
  push(item: T): boolean {
    this.#items.push(item);
    const fits = this.size <= this.#capacity;
    if (!fits) this.#start += 1;
    if (this.#start > this.#capacity) this.#compact();
    this.#waiter?.();
    return fits;
  }

  /** Up to `most` of the oldest, as soon as there is one; undefined: closed and empty. One caller at a time. */
  async take(most: number): Promise<readonly T[] | undefined> {
    while (this.size === 0) {
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => {
        this.#waiter = resolve;
      });
      this.#waiter = undefined;
    }
    const taken = this.#items.slice(this.#start, this.#start + most);
    this.#start += taken.length;
    if (this.#start >= this.#items.length || this.#start > this.#capacity) this.#compact();
    return taken;
  }

  /** What is inside can still be taken. */
  close(): void {
    this.#closed = true;
    this.#waiter?.();
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#start);
    this.#start = 0;
  }
}
