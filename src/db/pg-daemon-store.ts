import type { DaemonStore, KnownDaemon } from '../node/daemon-store.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { StatementPool } from './statement-pool.ts';

type DaemonRow = Omit<KnownDaemon, 'endedAt' | 'endedWhy'> & {
  readonly endedAt: Date | null;
  readonly endedWhy: string | null;
};

const LIST_SQL = `
  select id, number, host, pid, version, roles, started_at as "startedAt", seen_at as "seenAt", ended_at as "endedAt",
    ended_why as "endedWhy", (extract(epoch from clock_timestamp() - seen_at) * 1000)::float8 as "silentMs",
    array(select role from leadership where daemon_id = daemon.id and ended_at is null order by role) as "leads"
  from daemon order by number`;

/** The daemons in Postgres. */
export class PgDaemonStore implements DaemonStore {
  readonly #pool: StatementPool;

  constructor(pool: StatementPool) {
    this.#pool = pool;
  }

  async list(): Promise<readonly KnownDaemon[]> {
    const rows = await this.#pool.rows<DaemonRow>(LIST_SQL);
    return rows.map((row) =>
      definedOnly({ ...row, endedAt: row.endedAt ?? undefined, endedWhy: row.endedWhy ?? undefined }),
    );
  }
}
