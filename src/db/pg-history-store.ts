import type { HistoryEntry, HistoryStore } from '../node/history-store.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { StoreDeps } from './store-deps.ts';

type HistoryRow = Omit<HistoryEntry, 'from' | 'to'> & { readonly from: string | null; readonly to: string | null };

const LIST_SQL = `
  select at, subject, subject_id as "subjectId", event, from_state as "from", to_state as "to", why, who
  from history where subject = $1 and subject_id = $2 order by id`;

const NOTE_SQL = 'insert into history (at, subject, subject_id, event, why, who) values ($1, $2, $3, $4, $5, $6)';

/** Rows per statement: pruning a year must not hold a connection for long. */
const PRUNE_BATCH = 10_000;
const PRUNE_SQL = `
  with pruned as (
    delete from history where id in (select id from history where at < $1 order by at limit ${PRUNE_BATCH}) returning 1
  )
  select count(*) as "count" from pruned`;

/** The history in Postgres. The other stores write to it in the statements of their changes. */
export class PgHistoryStore implements HistoryStore {
  readonly #deps: Pick<StoreDeps, 'pool' | 'clock'>;

  constructor(deps: Pick<StoreDeps, 'pool' | 'clock'>) {
    this.#deps = deps;
  }

  async list(subject: HistoryEntry['subject'], subjectId: number): Promise<readonly HistoryEntry[]> {
    const rows = await this.#deps.pool.rows<HistoryRow>(LIST_SQL, [subject, subjectId]);
    return rows.map((row) => definedOnly({ ...row, from: row.from ?? undefined, to: row.to ?? undefined }));
  }

  async note(entry: Omit<HistoryEntry, 'at' | 'from' | 'to'>): Promise<void> {
    const { subject, subjectId, event, why, who } = entry;
    await this.#deps.pool.rows(NOTE_SQL, [this.#deps.clock.now(), subject, subjectId, event, why, who]);
  }

  async prune(before: Date): Promise<number> {
    for (let pruned = 0; ;) {
      const count = (await this.#deps.pool.row<{ readonly count: number }>(PRUNE_SQL, [before]))?.count ?? 0;
      pruned += count;
      if (count < PRUNE_BATCH) return pruned;
    }
  }
}
