import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { ensureManagedPostgres, stopManagedPostgres } from '../../src/db/managed-postgres.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { neverAborted } from '../../test/fakes/never-aborted.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';

const DEPS = { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() };

/** The Postgres that Nodepool keeps for itself in its state directory, seen by a program of its own. */
export class CrashDatabase implements AsyncDisposable {
  readonly tables: Database;
  readonly #stateDir: string;

  private constructor(tables: Database, stateDir: string) {
    this.tables = tables;
    this.#stateDir = stateDir;
  }

  static async start(stateDir: string): Promise<CrashDatabase> {
    try {
      const url = await ensureManagedPostgres({ stateDir }, DEPS, neverAborted);
      return new CrashDatabase(
        await openDatabase({ url, program: 'crash', poolSize: 2 }, DEPS, neverAborted),
        stateDir,
      );
    } catch (error) {
      await stopManagedPostgres({ stateDir }, DEPS, neverAborted);
      throw error;
    }
  }

  /** Kills the server's first process; its others end when they notice. */
  kill(): void {
    const [pid] = readFileSync(join(this.#stateDir, 'postgres', 'data', 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGKILL');
  }

  /** Starts it again, unless a daemon has. */
  async restart(): Promise<void> {
    await ensureManagedPostgres({ stateDir: this.#stateDir }, DEPS, neverAborted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tables.close();
    await stopManagedPostgres({ stateDir: this.#stateDir }, DEPS, neverAborted);
  }
}
