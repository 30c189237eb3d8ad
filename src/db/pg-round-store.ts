import type { AllocationRound, RoundEntry } from '../allocation/allocation-history.ts';
import { ROUNDS_KEPT } from '../allocation/allocation-history.ts';
import type { AllocationRoundStore, StoredRound } from '../allocation/round-store.ts';
import { andAlive } from './daemon-fence.ts';
import { SqlParameters } from './sql-text.ts';
import { type StoreDeps, writeBehindFence } from './store-deps.ts';

type RoundRow = { readonly at: Date; readonly labels: Readonly<Record<string, RoundEntry>> };

const LIST_SQL = 'select at, labels from allocation_round order by id desc limit $1';

// The rows seen by the deletion do not hold the new one yet.
const saveSql = (and: string): string => `
  with saved as (
    insert into allocation_round (at, labels) select $1::timestamptz, $2::jsonb where true ${and} returning 1
  ), pruned as (
    delete from allocation_round
    where id not in (select id from allocation_round order by id desc limit ${ROUNDS_KEPT - 1})
  )
  select from saved`;

/** Past allocation rounds in Postgres. */
export class PgRoundStore implements AllocationRoundStore {
  readonly #deps: Pick<StoreDeps, 'pool' | 'clock' | 'fence'>;

  constructor(deps: Pick<StoreDeps, 'pool' | 'clock' | 'fence'>) {
    this.#deps = deps;
  }

  async list(limit: number): Promise<readonly StoredRound[]> {
    const rows = await this.#deps.pool.rows<RoundRow>(LIST_SQL, [limit]);
    return rows.map(({ at, labels }) => ({ at, labels: new Map(Object.entries(labels)) }));
  }

  async save(round: AllocationRound): Promise<void> {
    const labels = JSON.stringify(Object.fromEntries(round));
    const parameters = new SqlParameters(this.#deps.clock.now(), labels);
    await writeBehindFence(this.#deps, saveSql(andAlive(this.#deps.fence, parameters)), parameters);
  }
}
