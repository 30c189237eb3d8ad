import type { Randomness } from '../../src/runtime/randomness.ts';

/** Ids that count up from 1, and a fraction that a test can set. */
export class CountingRandomness implements Randomness {
  nextFraction = 0;
  #last = 0;

  uuid(): string {
    this.#last += 1;
    return `00000000-0000-4000-8000-${String(this.#last).padStart(12, '0')}`;
  }

  hex(bytes: number): string {
    this.#last += 1;
    return this.#last.toString(16).padStart(bytes * 2, '0');
  }

  fraction(): number {
    return this.nextFraction;
  }
}
