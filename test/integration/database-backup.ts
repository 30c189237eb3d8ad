import { join } from 'node:path';
import { execa } from 'execa';
import type { Secret } from '../../src/runtime/secret.ts';

const DEADLINE_MS = 60_000;

/** A database saved and brought back as docs/operator/backup.md tells an operator to. */
export class DatabaseBackup {
  readonly #address: string;
  readonly #file: string;

  constructor(url: Secret, folder: string) {
    this.#address = url.reveal();
    this.#file = join(folder, 'nodepool.dump');
  }

  /** While the farm runs. */
  async dump(): Promise<void> {
    await run('pg_dump', ['-Fc', '-f', this.#file, this.#address]);
  }

  /** Makes the database a new one, with no daemon on it. */
  async empty(): Promise<void> {
    await run('psql', [...QUIETLY, '-c', 'drop schema public cascade', '-c', 'create schema public', this.#address]);
  }

  /** Makes the database what it was, with no daemon on it. */
  async restore(): Promise<void> {
    await this.empty();
    await run('pg_restore', ['--no-owner', '--single-transaction', '-d', this.#address, this.#file]);
  }
}

const QUIETLY = ['--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1'];

async function run(program: string, words: readonly string[]): Promise<void> {
  await execa(program, words, { stdin: 'ignore', timeout: DEADLINE_MS });
}
