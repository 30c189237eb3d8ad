import type { AllocationRound, RoundEntry } from '../allocation/allocation-history.ts';
import { ROUNDS_KEPT } from '../allocation/allocation-history.ts';
import type { AllocationRoundStore, StoredRound } from '../allocation/round-store.ts';
import type { StoreDeps } from './store-deps.ts';

type RoundRow = { readonly at: Date; readonly labels: Readonly<Record<string, RoundEntry>> };

const LIST_SQL = 'select at, labels from allocation_round order by id desc limit $1';

// The rows seen by the deletion do not hold the new one yet.
const SAVE_SQL = `
  with saved as (insert into allocation_round (at, labels) values ($1, $2))
  delete from allocation_round
  where id not in (select id from allocation_round order by id desc limit ${ROUNDS_KEPT - 1})`;

/** Past allocation rounds in Postgres. */
export class PgRoundStore implements AllocationRoundStore {
  readonly #deps: Pick<StoreDeps, 'pool' | 'clock'>;

  constructor(deps: Pick<StoreDeps, 'pool' | 'clock'>) {
    this.#deps = deps;
  }

  async list(limit: number): Promise<readonly StoredRound[]> {
    const rows = await this.#deps.pool.rows<RoundRow>(LIST_SQL, [limit]);
    return rows.map(({ at, labels }) => ({ at, labels: new Map(Object.entries(labels)) }));
  }

  async save(round: AllocationRound): Promise<void> {
    const labels = JSON.stringify(Object.fromEntries(round));
    await this.#deps.pool.rows(SAVE_SQL, [this.#deps.clock.now(), labels]);
  }
}
