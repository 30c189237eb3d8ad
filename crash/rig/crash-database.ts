import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pollUntil } from '../../devfarm/farm/poll-until.ts';
import { clusterOf } from '../../src/db/cluster-folder.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { parseDatabaseUrl } from '../../src/db/connection-settings.ts';
import { ensureManagedPostgres, stopManagedPostgres } from '../../src/db/managed-postgres.ts';
import { postmasterState } from '../../src/db/postmaster.ts';
import { StatementPool } from '../../src/db/statement-pool.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { neverAborted } from '../../test/fakes/never-aborted.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';

/** Who leads what, as the row says. */
export type Leadership = { readonly role: string; readonly daemonId: string };

const PROGRAM = 'crash';
const GONE_MS = 10_000;
const DEPS = { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() };

/** The Postgres that Nodepool keeps for itself in its state directory, seen by a program of its own. */
export class CrashDatabase implements AsyncDisposable {
  readonly tables: Database;
  readonly #pool: StatementPool;
  readonly #stateDir: string;

  private constructor(tables: Database, pool: StatementPool, stateDir: string) {
    this.tables = tables;
    this.#pool = pool;
    this.#stateDir = stateDir;
  }

  static async start(stateDir: string): Promise<CrashDatabase> {
    try {
      const url = await ensureManagedPostgres({ stateDir }, DEPS, neverAborted);
      const tables = await openDatabase({ url, program: PROGRAM, poolSize: 2 }, DEPS, neverAborted);
      const timeouts = { statementTimeoutMs: 30_000, connectTimeoutMs: 10_000 };
      const pool = new StatementPool(parseDatabaseUrl(url), { program: PROGRAM, size: 1, ...timeouts }, DEPS.log);
      return new CrashDatabase(tables, pool, stateDir);
    } catch (error) {
      await stopManagedPostgres({ stateDir }, DEPS, neverAborted);
      throw error;
    }
  }

  /** The rows themselves, also one of a daemon that ended. */
  async leaderships(): Promise<readonly Leadership[]> {
    return await this.#pool.rows<Leadership>('select role, daemon_id as "daemonId" from leadership order by role');
  }

  /**
   * Kills the server's first process, and waits until it is gone: who asks sooner finds it there. Its others end when they notice.
   * @throws {Error} it does not run, or does not go
   */
  async kill(): Promise<void> {
    const cluster = clusterOf(this.#stateDir);
    const [pid] = readFileSync(join(cluster.data, 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGKILL');
    const isGone = await pollUntil(GONE_MS, () => (postmasterState(cluster) === 'absent' ? true : undefined));
    if (isGone === undefined) throw new Error(`Postgres, process ${String(pid)}, was killed and is still there`);
  }

  /** Starts it again, unless a daemon has. */
  async restart(): Promise<void> {
    await ensureManagedPostgres({ stateDir: this.#stateDir }, DEPS, neverAborted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
    await this.tables.close();
    await stopManagedPostgres({ stateDir: this.#stateDir }, DEPS, neverAborted);
  }
}
