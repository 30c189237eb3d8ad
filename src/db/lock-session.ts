import { Socket } from 'node:net';
import pg from 'pg';
import type { Clock } from '../runtime/clock.ts';
import { classifyDatabaseFailure } from './classify-database-failure.ts';
import type { SqlValue } from './statement-pool.ts';

export type LockSessionDeps = { readonly config: pg.ClientConfig; readonly clock: Clock };

/** Two numbers of one advisory lock. */
export type LockKey = readonly [number, number];

/** A connection, and whether the lock is held on it. */
type Connection = { readonly client: pg.Client; readonly socket: Socket; holdsLock: boolean };

const LOCK_SQL = 'select pg_try_advisory_lock($1::integer, $2::integer) as "isHeld"';

const CONNECT_MS = 5_000;
const STATEMENT_MS = 4_000;

/**
 * A connection of its own, never a pooled one, that holds an advisory lock: Postgres lets go of the lock when it notices
 * that the connection is gone. A lost one is made anew by the next statement.
 */
export class LockSession {
  readonly #deps: LockSessionDeps;
  #lock: LockKey | undefined;
  #connection: Connection | undefined;
  #connectedMs = 0;
  /** Statements go one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(deps: LockSessionDeps) {
    this.#deps = deps;
  }

  /** Since when the present connection exists, on the clock's monotonic scale. */
  get connectedMs(): number {
    return this.#connectedMs;
  }

  /**
   * From now on each connection takes the lock. One that cannot have it, since Postgres has not noticed the end of the one
   * before, goes on without and tries again before each statement.
   */
  async hold(lock: LockKey): Promise<void> {
    this.#lock = lock;
    await this.rows('select 1');
  }

  /**
   * What a statement gives, within some seconds. Any failure ends the connection.
   * @throws {DatabaseUnavailableError} the database is away
   */
  async rows<Row extends object>(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    const rows = this.#last.then(() => this.#run<Row>(sql, values));
    this.#last = rows.catch(() => undefined); // told to who asked
    return await rows;
  }

  /** Lets go of the lock. */
  async close(): Promise<void> {
    await this.#last;
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.client.end().catch(() => undefined); // lost already
  }

  async #run<Row extends object>(sql: string, values: readonly SqlValue[]): Promise<readonly Row[]> {
    try {
      const connection = (this.#connection ??= await this.#connect());
      await this.#takeLock(connection);
      return (await connection.client.query<Row & pg.QueryResultRow>(sql, [...values])).rows;
    } catch (error) {
      this.#connection?.socket.destroy(); // without a goodbye: a server that is cut off would not answer it
      this.#connection = undefined;
      throw classifyDatabaseFailure(error);
    }
  }

  async #connect(): Promise<Connection> {
    const socket = new Socket();
    const client = new pg.Client({
      ...this.#deps.config,
      stream: () => socket,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      query_timeout: STATEMENT_MS + 1_000, // the server may be cut off
    });
    client.on('error', () => {
      if (this.#connection?.client === client) this.#connection = undefined;
    });
    try {
      await client.connect();
    } catch (error) {
      socket.destroy();
      throw error;
    }
    this.#connectedMs = this.#deps.clock.monotonicMs();
    return { client, socket, holdsLock: false };
  }

  async #takeLock(connection: Connection): Promise<void> {
    if (this.#lock === undefined || connection.holdsLock) return;
    const { rows } = await connection.client.query<{ readonly isHeld: boolean }>(LOCK_SQL, [...this.#lock]);
    connection.holdsLock = rows[0]?.isHeld === true;
  }
}
