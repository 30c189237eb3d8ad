import { type AllocationRound, withRound } from './allocation-history.ts';

/** Upstream runs a pass each 10 s; passes that come faster are one round, or they would wash the memory out. */
const ROUND_MS = 10_000;

/** The past rounds, newest first. */
export class RoundMemory {
  #history: readonly AllocationRound[];
  #openUntil: Date | undefined;

  constructor(history: readonly AllocationRound[]) {
    this.#history = history;
  }

  get history(): readonly AllocationRound[] {
    return this.#history;
  }

  /** Adds a pass to the round under way, or begins a new one; gives the round that ended with that, for storing. */
  add(pass: AllocationRound, now: Date): AllocationRound | undefined {
    const [newest = new Map(), ...older] = this.#history;
    if (this.#openUntil !== undefined && now < this.#openUntil) {
      this.#history = [joinPasses(newest, pass), ...older];
      return undefined;
    }
    const ended = this.#openUntil === undefined ? undefined : newest;
    this.#history = withRound(this.#history, pass);
    this.#openUntil = new Date(now.getTime() + ROUND_MS);
    return ended;
  }
}

/** What was asked last, and all that was granted: a label that got something in any pass has not waited. */
function joinPasses(before: AllocationRound, pass: AllocationRound): AllocationRound {
  return new Map(
    [...pass].map(([label, { requested, granted }]) => [
      label,
      { requested, granted: granted + (before.get(label)?.granted ?? 0) },
    ]),
  );
}
