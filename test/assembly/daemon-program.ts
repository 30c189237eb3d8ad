import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { yamlOf } from '../builders/config-of.ts';
import { makeTestDatabase, type TestDatabase } from '../db/test-database.ts';
import { type Ending, RunningProgram } from '../peers/built-programs.ts';

export type Run = Ending & { readonly stdout: string; readonly stderr: string };

/** A folder and a database for daemons that have nothing to do: no labels, no providers, no targets. */
export class DaemonProgram implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'np-daemon-'));
  readonly #database: TestDatabase;

  private constructor(database: TestDatabase) {
    this.#database = database;
    this.writeConfig();
    writeFileSync(this.pathOf('secure.conf'), `[database]\ndburi=${database.url.reveal()}\n`, { mode: 0o600 });
  }

  static async open(): Promise<DaemonProgram> {
    return new DaemonProgram(await makeTestDatabase(inject('postgresHost')));
  }

  pathOf(name: string): string {
    return join(this.folder, name);
  }

  /** @param keys of nodepool.yaml, besides the empty ones */
  writeConfig(keys: Readonly<Record<string, unknown>> = {}): void {
    this.writeFile('nodepool.yaml', yamlOf({ labels: [], providers: [], targets: [], ...keys }));
  }

  writeFile(name: string, text: string): void {
    writeFileSync(this.pathOf(name), text);
  }

  /** Starts the daemon with its files, and `words` behind them. */
  start(...words: readonly string[]): RunningProgram {
    const files = ['-c', this.pathOf('nodepool.yaml'), '-s', this.pathOf('secure.conf')];
    const environment = { NODEPOOL_STATE_DIR: this.pathOf('state'), HOME: this.folder, TMPDIR: this.folder };
    const child = spawn(join(inject('programs'), 'nodepoold'), [...files, ...words], {
      cwd: this.folder,
      env: { ...process.env, ...environment },
    });
    return new RunningProgram(child);
  }

  /** Starts the daemon in the foreground, and gives it once it runs. */
  async running(...words: readonly string[]): Promise<RunningProgram> {
    const daemon = this.start('-d', ...words);
    await daemon.untilSaid('Nodepool is running');
    return daemon;
  }

  /** Starts it and waits for its end. */
  async run(...words: readonly string[]): Promise<Run> {
    const program = this.start(...words);
    const ending = await program.ended;
    return { ...ending, stdout: program.stdout, stderr: program.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    await this.#database[Symbol.asyncDispose]();
  }
}
