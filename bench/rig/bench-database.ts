import pg from 'pg';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { ensureManagedPostgres, stopManagedPostgres } from '../../src/db/managed-postgres.ts';
import type { Secret } from '../../src/runtime/secret.ts';
import { benchDeps } from './bench-deps.ts';

/**
 * A Postgres as Nodepool runs it for itself, which waits for the disk, in `stateDir`; ended when disposed. `database` is
 * ours, `query` is for what the bench does behind its back.
 */
export class BenchDatabase implements AsyncDisposable {
  readonly database: Database;
  readonly url: Secret;
  readonly #stateDir: string;
  readonly #client: pg.Client;

  private constructor(parts: { database: Database; url: Secret; stateDir: string; client: pg.Client }) {
    this.database = parts.database;
    this.url = parts.url;
    this.#stateDir = parts.stateDir;
    this.#client = parts.client;
  }

  static async open(stateDir: string, signal: AbortSignal): Promise<BenchDatabase> {
    const deps = benchDeps();
    const url = await ensureManagedPostgres({ stateDir }, deps, signal);
    const database = await openDatabase({ url, program: 'nodepoold' }, deps, signal);
    const host = new URLSearchParams(url.reveal().split('?')[1]).get('host') ?? '';
    const client = new pg.Client({ host, user: 'nodepool', database: 'postgres', application_name: 'bench' });
    await client.connect();
    return new BenchDatabase({ database, url, stateDir, client });
  }

  async query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.#client.query<Row>(sql, [...values])).rows;
  }

  /** Connections of the daemon now. */
  async connections(): Promise<number> {
    const [row] = await this.query<{ n: number }>(
      "select count(*)::integer as n from pg_stat_activity where application_name = 'nodepoold'",
    );
    return row?.n ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
    await this.#client.end();
    await stopManagedPostgres({ stateDir: this.#stateDir }, benchDeps(), new AbortController().signal);
  }
}
