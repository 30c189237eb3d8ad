import { InvalidArgumentError } from 'commander';

const MOST_WORKERS = 100;

/**
 * How many workers of a kind a builder has.
 * @throws {InvalidArgumentError} no number, or too large
 */
export function workerCount(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : -1;
  if (count < 0 || count > MOST_WORKERS) throw new InvalidArgumentError(`Expected a number from 0 to ${MOST_WORKERS}.`);
  return count;
}
