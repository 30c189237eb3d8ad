import type { HistoryEntry, HistoryNote, HistoryStore } from '../node/history-store.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { andAlive } from './daemon-fence.ts';
import { SqlParameters } from './sql-text.ts';
import { type StoreDeps, writeBehindFence } from './store-deps.ts';

type HistoryRow = Omit<HistoryEntry, 'from' | 'to'> & { readonly from: string | null; readonly to: string | null };

const LIST_SQL = `
  select at, subject, subject_id as "subjectId", event, from_state as "from", to_state as "to", why, who
  from history where subject = $1 and subject_id = $2 order by id`;

const WAS_REMOVED_SQL = 'select exists (select from history where names @> array[$1::text]) as "removed"';

const NOTE_SQL = `
  insert into history (at, subject, subject_id, event, why, who, names)
  select $1::timestamptz, $2::text, $3::integer, $4::text, $5::text, $6::text, $7::text[] where true`;

/** Rows per statement: pruning a year must not hold a connection for long. */
const PRUNE_BATCH = 10_000;
const PRUNE_SQL = `
  with pruned as (
    delete from history where id in (select id from history where at < $1 order by at limit ${PRUNE_BATCH}) returning 1
  )
  select count(*) as "count" from pruned`;

/** The history in Postgres. The other stores write to it in the statements of their changes. */
export class PgHistoryStore implements HistoryStore {
  readonly #deps: Pick<StoreDeps, 'pool' | 'clock' | 'fence'>;

  constructor(deps: Pick<StoreDeps, 'pool' | 'clock' | 'fence'>) {
    this.#deps = deps;
  }

  async list(subject: HistoryEntry['subject'], subjectId: number): Promise<readonly HistoryEntry[]> {
    const rows = await this.#deps.pool.rows<HistoryRow>(LIST_SQL, [subject, subjectId]);
    return rows.map((row) => definedOnly({ ...row, from: row.from ?? undefined, to: row.to ?? undefined }));
  }

  async wasRemoved(name: string): Promise<boolean> {
    return (await this.#deps.pool.row<{ readonly removed: boolean }>(WAS_REMOVED_SQL, [name]))?.removed === true;
  }

  async note({ subject, subjectId, event, why, who, names }: HistoryNote): Promise<void> {
    const parameters = new SqlParameters(this.#deps.clock.now(), subject, subjectId, event, why, who, names ?? null);
    const sql = `${NOTE_SQL} ${andAlive(this.#deps.fence, parameters)} returning 1`;
    await writeBehindFence(this.#deps, sql, parameters);
  }

  async prune(before: Date): Promise<number> {
    for (let pruned = 0; ;) {
      const count = (await this.#deps.pool.row<{ readonly count: number }>(PRUNE_SQL, [before]))?.count ?? 0;
      pruned += count;
      if (count < PRUNE_BATCH) return pruned;
    }
  }
}
