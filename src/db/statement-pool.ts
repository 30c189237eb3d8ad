import pg from 'pg';
import { DatabaseUnavailableError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { classifyDatabaseFailure } from './classify-database-failure.ts';
import type { ConnectionSettings } from './connection-settings.ts';
import { parseInstant } from './parse-instant.ts';

export type PoolOptions = {
  /** Shown in pg_stat_activity. */
  readonly program: string;
  /** Most connections at once. */
  readonly size: number;
  /** Longest time for a statement. */
  readonly statementTimeoutMs: number;
  /** Longest wait for a connection, new or free. */
  readonly connectTimeoutMs: number;
};

/** What statements may be given. Objects are sent as JSON. */
export type SqlValue = string | number | boolean | null | Date | readonly (string | number)[];

/** Statements that may wait for a connection; more means that something is badly wrong. */
const MAX_WAITING = 20_000;

/** Texts differ by the facts that they store: there are some hundreds at most. */
const MAX_PREPARED = 500;

/** How much longer than the server's own limit we wait for a statement, in case the server is cut off. */
const GRACE_MS = 5_000;

/**
 * A bounded number of connections that runs single statements. There are no transactions over several round trips, so a
 * connection is never held while something else is awaited. Lost connections are replaced by the next statement.
 */
export class StatementPool {
  readonly #pool: pg.Pool;
  /** Statement → its name on every connection. */
  readonly #names = new Map<string, string>();

  constructor(settings: ConnectionSettings, options: PoolOptions, log: Logger) {
    this.#pool = new pg.Pool({
      ...clientConfig(settings, options),
      max: options.size,
      idleTimeoutMillis: 30_000,
    });
    // An idle connection that the server ends would otherwise end the program; the next statement opens another.
    this.#pool.on('error', (error) => {
      log.debug('Lost an idle database connection', { error: classifyDatabaseFailure(error) });
    });
  }

  /**
   * The rows that a statement gives; `Row` is what its select list says.
   * @throws {DatabaseUnavailableError} the database is away: the statement may or may not have been done
   * @throws {DatabaseRefusedError} wrong password, missing rights
   */
  async rows<Row extends object>(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    if (this.#pool.waitingCount >= MAX_WAITING) {
      throw new DatabaseUnavailableError(`Cannot queue a statement: ${MAX_WAITING} wait already`);
    }
    try {
      const result = await this.#pool.query<Row & pg.QueryResultRow>({ ...this.#prepared(sql), values: [...values] });
      return result.rows;
    } catch (error) {
      throw classifyDatabaseFailure(error);
    }
  }

  /** Each connection parses and plans a statement once: for most of ours that is more work than doing it. */
  #prepared(text: string): { readonly text: string; readonly name?: string } {
    const known = this.#names.get(text);
    if (known === undefined && this.#names.size >= MAX_PREPARED) return { text };
    const name = known ?? `nodepool_${this.#names.size + 1}`;
    this.#names.set(text, name);
    return { text, name };
  }

  /** The first row, if any. */
  async row<Row extends object>(sql: string, values: readonly SqlValue[] = []): Promise<Row | undefined> {
    return (await this.rows<Row>(sql, values))[0];
  }

  /** Lets running statements end, then closes all connections. */
  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** So that the server, too, notices within half a minute that our host is gone, and lets go of what we hold. */
const SERVER_KEEPALIVES = [
  'tcp_keepalives_idle=5',
  'tcp_keepalives_interval=5',
  'tcp_keepalives_count=3',
  'tcp_user_timeout=15000',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

/** Settings of one connection: also for those that are not of the pool. */
export function clientConfig(
  settings: ConnectionSettings,
  options: Pick<PoolOptions, 'program' | 'statementTimeoutMs' | 'connectTimeoutMs'>,
): pg.ClientConfig {
  return {
    ...settings,
    application_name: options.program,
    connectionTimeoutMillis: options.connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + GRACE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    options: SERVER_KEEPALIVES,
    types: ownTypes(),
  };
}

/** Counts, sums and our bigint columns stay far below 2^53; the driver would give them as text. */
function ownTypes(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides();
  types.setTypeParser(pg.types.builtins.INT8, Number);
  types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, parseInstant);
  return types;
}
