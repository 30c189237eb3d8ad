import { InvalidArgumentError } from 'commander';

/**
 * A word of a command line that must not be empty: mostly a variable of a shell that has no value.
 * @throws {InvalidArgumentError} it is empty
 */
export function notEmpty(value: string): string {
  if (value === '') throw new InvalidArgumentError('It is empty');
  return value;
}
