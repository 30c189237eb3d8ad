import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import type { EmulatorOptionsInput } from '../../devfarm/openstack/emulator-options.ts';
import { aProviderSection, yamlOf } from '../builders/config-of.ts';
import { EmulatedCloud, QUICK } from '../contract/openstack-client/emulated-cloud.ts';
import { makeTestDatabase, type TestDatabase } from '../db/test-database.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { CleanupStack } from '../integration/cleanup-stack.ts';
import { LoggedProcess } from '../integration/logged-process.ts';
import { type Gearmand, startGearmand } from '../peers/gearmand.ts';
import { until } from '../peers/until.ts';

/** For a test with whole programs, on a machine that has much else to do. */
export const RECIPE_MS = 240_000;
const PATIENCE_MS = 90_000;
/** Each look is a process. */
const LOOK_MS = 200;

type Keys = Readonly<Record<string, unknown>>;
/** What a command printed and how it ended. */
export type Said = { readonly status: number; readonly stdout: string; readonly stderr: string };

/** Stands in for disk-image-create: runs what the test wrote as `build.sh`, where `$out` is the path to write to. */
const STAND_IN = `#!/bin/bash
while [ $# -gt 0 ]; do
  case $1 in -o) out=$2; shift ;; -t|--qemu-img-options) shift ;; -*) ;; *) elements="$elements $1" ;; esac
  shift
done
. "$HOME/build.sh"
`;

/**
 * What an operator of disk images has: the built programs with their files, real Gearman and Postgres, and the emulated
 * cloud without machines. Dispose of it.
 */
export class RecipeFarm implements AsyncDisposable {
  readonly folder: string;
  readonly cloud: EmulatedCloud;
  readonly database: TestDatabase;
  readonly #gearmand: Gearmand;
  readonly #cleanups: CleanupStack;

  private constructor(folder: string, parts: Pick<RecipeFarm, 'cloud' | 'database'>, rest: Rest) {
    this.folder = folder;
    this.cloud = parts.cloud;
    this.database = parts.database;
    this.#gearmand = rest.gearmand;
    this.#cleanups = rest.cleanups;
    this.write('bin/disk-image-create', STAND_IN);
    chmodSync(join(folder, 'bin/disk-image-create'), 0o755);
    this.write('build.sh', 'echo "image of $DIB_IMAGE_NAME" >"$out.qcow2"');
    this.writeSecrets('');
  }

  static async start(emulator: Partial<EmulatorOptionsInput> = {}): Promise<RecipeFarm> {
    const cleanups = new CleanupStack();
    try {
      const folder = mkdtempSync(join(tmpdir(), 'np-recipe-'));
      cleanups.add(() => {
        rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
        return Promise.resolve();
      });
      const options = { stateDir: join(folder, 'cloud'), timings: QUICK, ...emulator };
      const cloud = await EmulatedCloud.start({ emulator: options });
      cleanups.add(() => cloud[Symbol.asyncDispose]());
      const gearmand = await startGearmand();
      cleanups.add(() => gearmand.kill());
      const database = await makeTestDatabase(inject('postgresHost'));
      cleanups.add(async () => {
        await database[Symbol.asyncDispose]();
      });
      return new RecipeFarm(folder, { cloud, database }, { gearmand, cleanups });
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  get gearman(): { readonly host: string; readonly port: number } {
    return { host: this.#gearmand.host, port: this.#gearmand.port };
  }

  /** The keys by which a provider logs in to the cloud. */
  get login(): Keys {
    const { origins, userName, password, projectName } = this.cloud.account;
    return { 'auth-url': `${origins.identity}/v3`, username: userName, password, 'project-name': projectName };
  }

  /** A provider's section: the emulated cloud, as fast as it can. */
  provider(name: string, keys: Keys = {}): Keys {
    return aProviderSection({ ...this.login, name, rate: 0.001, networks: [{ name: 'private' }], ...keys });
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true });
    writeFileSync(join(this.folder, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** @param more of secure.conf, behind the database's address */
  writeSecrets(more: string): void {
    const text = `[database]\ndburi=${this.database.url.reveal()}\n${more}`;
    writeFileSync(join(this.folder, 'secure.conf'), text, { mode: 0o600 });
  }

  /** Writes nodepool.yaml, with our Gearman server; programs that run notice it, sooner after SIGHUP. */
  writeConfig(keys: Keys, name = 'nodepool.yaml'): void {
    const own = { 'gearman-servers': [this.gearman], 'images-dir': join(this.folder, 'images') };
    this.write(name, yamlOf({ targets: [], ...own, ...keys }));
  }

  /** Starts the daemon in the foreground, and gives it once it runs. */
  async startDaemon(): Promise<LoggedProcess> {
    const daemon = this.#start(this.#words('nodepoold', ['-d', '--no-builder']));
    await daemon.logged(/Nodepool is running/);
    return daemon;
  }

  /** Starts a builder, and gives it once it offers its work. */
  async startBuilder(words: readonly string[] = [], config = 'nodepool.yaml'): Promise<LoggedProcess> {
    const builder = this.#start(this.#words('nodepool-builder', ['-d', ...words], config));
    await builder.logged(/The image builder is running/);
    return builder;
  }

  /** Runs the command line to its end. */
  async run(...words: readonly string[]): Promise<Said> {
    const [program = '', ...args] = this.#words('nodepool', words);
    const options = { env: this.#environment, extendEnv: false, cwd: this.folder, reject: false } as const;
    const ended = await execa(program, args, { ...options, timeout: PATIENCE_MS, stdin: 'ignore' });
    return { status: ended.exitCode ?? -1, stdout: ended.stdout, stderr: ended.stderr };
  }

  /** The same where it must succeed; gives its standard output. */
  async nodepool(...words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...words);
    if (status !== 0) throw new Error(`nodepool ${words.join(' ')} ended with status ${status}: ${stderr}`);
    return stdout;
  }

  /** The rows of a table that a command prints, each as its cells by the header's names. */
  async table(...words: readonly string[]): Promise<readonly Readonly<Record<string, string>>[]> {
    return cellsOf(await this.nodepool(...words));
  }

  /** Waits until the command's table is as wanted, and gives it. */
  async untilTable(
    words: readonly string[],
    holds: (rows: readonly Readonly<Record<string, string>>[]) => boolean,
  ): Promise<readonly Readonly<Record<string, string>>[]> {
    let rows: readonly Readonly<Record<string, string>>[] = [];
    await until(
      `nodepool ${words.join(' ')}`,
      async () => {
        rows = await this.table(...words);
        if (holds(rows)) return true;
        await systemClock.sleep(LOOK_MS);
        return false;
      },
      PATIENCE_MS,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}: it shows ${JSON.stringify(rows)}`, { cause: error });
    });
    return rows;
  }

  /** Names of what lies in a folder. */
  filesIn(name: string): readonly string[] {
    return readdirSync(join(this.folder, name)).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }

  #start(words: readonly string[]): LoggedProcess {
    const running = new LoggedProcess(words, { env: this.#environment, cwd: this.folder });
    this.#cleanups.add(() => running.kill());
    return running;
  }

  #words(program: string, words: readonly string[], config = 'nodepool.yaml'): readonly string[] {
    const files = ['-c', join(this.folder, config), '-s', join(this.folder, 'secure.conf')];
    return [join(inject('programs'), program), ...files, ...words];
  }

  /** Nothing of the account that runs the tests: no keys, no clouds.yaml. */
  get #environment(): NodeJS.ProcessEnv {
    const PATH = `${join(this.folder, 'bin')}:${process.env['PATH'] ?? ''}`;
    return { PATH, HOME: this.folder, TMPDIR: this.folder, NODEPOOL_STATE_DIR: join(this.folder, 'state') };
  }
}

type Rest = { readonly gearmand: Gearmand; readonly cleanups: CleanupStack };

/** `| ID | Image |` and so on. */
function cellsOf(table: string): readonly Readonly<Record<string, string>>[] {
  const [header = [], ...rows] = table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  return rows.map((cells) => Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ''])));
}
