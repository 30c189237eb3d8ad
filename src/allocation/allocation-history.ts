/** What a label asked for and got in one pass. */
export type RoundEntry = {
  readonly requested: number;
  /** Over all providers and targets. */
  readonly granted: number;
};

/** The record of one finished pass, by label. Empty: no target was online. */
export type AllocationRound = ReadonlyMap<string, RoundEntry>;

/** How many rounds are remembered (upstream: AllocationHistory). */
export const ROUNDS_KEPT = 100;

/** The history after `round`, newest first. */
export function withRound(history: readonly AllocationRound[], round: AllocationRound): AllocationRound[] {
  return [round, ...history.slice(0, ROUNDS_KEPT - 1)];
}

/**
 * In how many rounds, from the newest on without a gap, the label asked and got nothing.
 *
 * @param history newest first
 */
export function waitedRounds(label: string, history: readonly AllocationRound[]): number {
  const end = history.findIndex((round) => {
    const entry = round.get(label);
    // A label that asked for nothing does not wait (upstream counts that too, so an idle label outranks all others).
    return entry === undefined || entry.granted > 0 || entry.requested <= 0;
  });
  return end === -1 ? history.length : end;
}
