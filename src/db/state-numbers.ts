import type { ImageState } from '../image/lifecycle.ts';
import type { NodeState } from '../node/lifecycle.ts';

/** How tables `node` and `subnode` number states (upstream: nodedb.py). */
export const NODE_STATE_NUMBERS: Readonly<Record<NodeState, number>> = {
  building: 1,
  ready: 2,
  used: 3,
  delete: 4,
  hold: 5,
  test: 6,
};

/** How tables `snapshot_image` and `dib_image` number states: upstream uses these three. */
export const IMAGE_STATE_NUMBERS: Readonly<Record<ImageState, number>> = { building: 1, ready: 2, delete: 4 };

/**
 * The word for a number.
 * @throws the table's check constraint does not hold
 */
export function stateWord<State extends string>(numbers: Readonly<Record<State, number>>, number: number): State {
  for (const word in numbers) if (numbers[word] === number) return word;
  throw new Error(`The database holds the unknown state ${number}`);
}

/** Upstream's state times are whole epoch seconds. */
export function toEpochSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

export function fromEpochSeconds(seconds: number): Date {
  return new Date(seconds * 1000);
}
