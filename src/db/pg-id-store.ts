import type { IdStore, IdSubject } from '../node/id-store.ts';
import type { StatementPool } from './statement-pool.ts';

const TABLES: Readonly<Record<IdSubject, string>> = { node: 'node', image: 'snapshot_image', 'dib-image': 'dib_image' };

/** Further than a farm gets between two backups; each id skipped costs a microsecond. */
const MOST_SKIPPED = 1_000_000;

const LAST_SQL = `
  select coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass), 0)::float8 as "last"`;

// Takes ids instead of setting the sequence: another daemon may insert meanwhile, and a sequence must never go back.
const SKIP_SQL = `
  select max(nextval(pg_get_serial_sequence($1, 'id')::regclass))::float8 as "last" from generate_series(1, $2::integer)`;

/** The sequences of Postgres. */
export class PgIdStore implements IdStore {
  readonly #pool: StatementPool;

  constructor(pool: StatementPool) {
    this.#pool = pool;
  }

  async raiseAbove(subject: IdSubject, id: number, margin: number): Promise<number | undefined> {
    const table = TABLES[subject];
    const last = (await this.#pool.row<{ readonly last: number }>(LAST_SQL, [table]))?.last ?? 0;
    const missing = id - last;
    if (missing <= 0) return undefined;
    if (missing > MOST_SKIPPED) throw new RangeError(`Cannot skip ${missing} ids of table "${table}"`);
    return (await this.#pool.row<{ readonly last: number }>(SKIP_SQL, [table, missing + margin]))?.last;
  }
}
