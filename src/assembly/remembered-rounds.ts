import type { AllocationRound } from '../allocation/allocation-history.ts';
import { ROUNDS_KEPT } from '../allocation/allocation-history.ts';
import type { Database } from '../db/database.ts';

/** The past rounds of allocation, whoever ran them; newest first. */
export async function rememberedRounds(database: Pick<Database, 'rounds'>): Promise<readonly AllocationRound[]> {
  return (await database.rounds.list(ROUNDS_KEPT)).map(({ labels }) => labels);
}
