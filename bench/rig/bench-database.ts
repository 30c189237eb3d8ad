import pg from 'pg';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { ensureManagedPostgres, stopManagedPostgres } from '../../src/db/managed-postgres.ts';
import type { Secret } from '../../src/runtime/secret.ts';
import { NODE_STATE_NUMBERS } from '../../src/db/state-numbers.ts';
import type { NodeState } from '../../src/node/lifecycle.ts';
import { benchDeps } from './bench-deps.ts';
import { until } from './until.ts';

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
    try {
      const url = await ensureManagedPostgres({ stateDir }, deps, signal);
      const client = await connect(url);
      const database = await openDatabase({ url, program: 'nodepoold' }, deps, signal);
      return new BenchDatabase({ database, url, stateDir, client });
    } catch (error) {
      await stopManagedPostgres({ stateDir }, deps, new AbortController().signal);
      throw error;
    }
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

  /** Waits until exactly so many nodes are in that state and none in another. */
  async untilAll(state: NodeState, count: number, signal: AbortSignal): Promise<void> {
    await until(`${count} nodes to be ${state}`, { ms: 300_000, everyMs: 50, signal }, async () => {
      const [row] = await this.query<{ all: number; here: number }>(
        'select count(*)::integer as all, (count(*) filter (where state = $1))::integer as here from node',
        [NODE_STATE_NUMBERS[state]],
      );
      return row?.all === count && row.here === count;
    });
  }

  /** Waits until so many nodes are agents of their Jenkins. */
  async untilRegistered(count: number, signal: AbortSignal): Promise<void> {
    await until(`${count} agents to be there`, { ms: 300_000, everyMs: 50, signal }, async () => {
      const [row] = await this.query<{ n: number }>('select count(registered_at)::integer as n from node');
      return row?.n === count;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
    await this.#client.end();
    await stopManagedPostgres({ stateDir: this.#stateDir }, benchDeps(), new AbortController().signal);
  }
}

async function connect(url: Secret): Promise<pg.Client> {
  const host = new URLSearchParams(url.reveal().split('?')[1]).get('host') ?? '';
  const client = new pg.Client({ host, user: 'nodepool', database: 'postgres', application_name: 'bench' });
  client.on('error', () => undefined); // the server ends first where opening the database fails
  await client.connect();
  return client;
}
