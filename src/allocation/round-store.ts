import type { AllocationRound } from './allocation-history.ts';

export type StoredRound = {
  readonly at: Date;
  readonly labels: AllocationRound;
};

/** Remembers past rounds over a restart (adapter: src/db). Keeps the last ROUNDS_KEPT. */
export interface AllocationRoundStore {
  /** Newest first. */
  list(limit: number): Promise<readonly StoredRound[]>;
  save(round: AllocationRound): Promise<void>;
}
