import { randomBytes, randomUUID } from 'node:crypto';

/** The only source of chance and of ids; tests pass a predictable one. */
export interface Randomness {
  /** Random (version 4) UUID in lower case with hyphens. */
  uuid(): string;
  /** `bytes` random bytes as lower-case hex digits. */
  hex(bytes: number): string;
  /** In [0, 1). */
  fraction(): number;
}

export const systemRandomness: Randomness = {
  uuid: () => randomUUID(),
  hex: (bytes) => randomBytes(bytes).toString('hex'),
  fraction: () => Math.random(),
};

/** One of `items` at random; undefined if there is none. */
export function pickOne<T>(items: readonly T[], randomness: Randomness): T | undefined {
  return items[Math.floor(randomness.fraction() * items.length)];
}
