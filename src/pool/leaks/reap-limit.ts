const LEAST = 3;
const PART = 0.1;

/**
 * How many objects one pass may reap of `owned` that are ours in the provider: with an empty, wrong or restored database
 * all of them look leaked.
 */
export function reapLimit(owned: number): number {
  return Math.max(LEAST, Math.floor(owned * PART));
}
