import { createHash } from 'node:crypto';

/** The same numbers for the same seed, on every machine (sfc32). */
export class SeededRandomness {
  readonly #state: Uint32Array;

  constructor(seed: string) {
    const digest = createHash('sha256').update(seed).digest();
    this.#state = new Uint32Array([0, 4, 8].map((at) => digest.readUInt32LE(at)).concat(1));
    for (let round = 0; round < 12; round += 1) this.#next();
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    return count <= 1 ? 0 : this.#next() % count;
  }

  isOneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  /** @throws {RangeError} there is none */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('Cannot pick from nothing');
    return item;
  }

  #next(): number {
    const [a = 0, b = 0, c = 0, count = 0] = this.#state;
    const sum = (a + b + count) >>> 0;
    this.#state.set([b ^ (b >>> 9), c + (c << 3), ((c << 21) | (c >>> 11)) + sum, count + 1]);
    return sum;
  }
}
