import { existsSync } from 'node:fs';
import { inject } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { ensureManagedPostgres, stopManagedPostgres } from '../../src/db/managed-postgres.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import type { Secret } from '../../src/runtime/secret.ts';
import { makeTestDatabase } from '../db/test-database.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { CleanupStack } from './cleanup-stack.ts';

const DEPS = { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() };

/** A farm's database, seen by a program of its own. Dispose of it. */
export class FarmDatabase implements AsyncDisposable {
  /** Whether Nodepool keeps it itself, in its state directory. */
  readonly isManaged: boolean;
  readonly #stateDir: string;
  readonly #onChange: () => void;
  readonly #cleanups = new CleanupStack();
  #url: Secret | undefined;
  #database: Database | undefined;

  /** @param onChange called when something changed in its tables */
  constructor(stateDir: string, isManaged: boolean, onChange: () => void) {
    this.#stateDir = stateDir;
    this.isManaged = isManaged;
    this.#onChange = onChange;
    if (isManaged) this.#cleanups.add(() => this.#stopManaged());
  }

  /** The tables. */
  get tables(): Database {
    if (this.#database === undefined) throw new Error('The database is not open: call openDatabase');
    return this.#database;
  }

  /** The tables, if they were opened. */
  get tablesIfOpen(): Database | undefined {
    return this.#database;
  }

  get url(): Secret {
    if (this.#url === undefined) throw new Error('The database is not open: call openDatabase');
    return this.#url;
  }

  /** Makes sure that it is there, and opens it. A managed one is started if it does not run. */
  async open(): Promise<void> {
    this.#url = this.isManaged
      ? await ensureManagedPostgres({ stateDir: this.#stateDir }, DEPS, neverAborted)
      : await this.#makeOne();
    if (this.#database !== undefined) return;
    const database = await openDatabase({ url: this.#url, program: 'test' }, DEPS, neverAborted);
    this.#cleanups.add(() => database.close());
    this.#database = database;
    database.onChange(this.#onChange);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }

  async #makeOne(): Promise<Secret> {
    if (this.#url !== undefined) return this.#url;
    const database = await makeTestDatabase(inject('postgresHost'));
    this.#cleanups.add(async () => {
      await database[Symbol.asyncDispose]();
    });
    return database.url;
  }

  async #stopManaged(): Promise<void> {
    if (existsSync(this.#stateDir)) await stopManagedPostgres({ stateDir: this.#stateDir }, DEPS, neverAborted);
  }
}
