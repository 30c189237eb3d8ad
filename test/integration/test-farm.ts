import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import type { InstanceHost } from '../../devfarm/instances/instance-host.ts';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { ensureManagedPostgres, stopManagedPostgres } from '../../src/db/managed-postgres.ts';
import type { Node } from '../../src/node/node.ts';
import type { NodeState } from '../../src/node/lifecycle.ts';
import { systemClock, withDeadline } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import type { Secret } from '../../src/runtime/secret.ts';
import { makeTestDatabase } from '../db/test-database.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { type Gearmand, startGearmand } from '../peers/gearmand.ts';
import { openInstanceHost } from '../peers/instance-host.ts';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';
import { Bell } from './bell.ts';
import { FarmCloud } from './farm-cloud.ts';
import { type ConfigChanges, writeFarmConfig, writeFarmScripts } from './farm-config.ts';
import { FarmJenkins } from './farm-jenkins.ts';
import { LoggedProcess, PATIENCE_MS } from './logged-process.ts';
import { type JobEnd, submitJob } from './zuul.ts';

/** Time for a test with a farm of its own: the first on a machine builds the machines' root file system. */
export const FARM_MS = 240_000;

export type FarmOptions = {
  /** `managed`: Nodepool keeps a Postgres of its own in `farm.stateDir`. Default: a database of the run's server. */
  readonly database?: 'private' | 'managed';
  /** Where Jenkins publishes its events. */
  readonly zmqPort?: number;
  readonly config?: ConfigChanges;
};

export type DaemonOptions = {
  /** Default true. */
  readonly untilRunning?: boolean;
  /** The state directory is a file system of its own of that size, which only this daemon sees. */
  readonly stateSize?: string;
};

/** What a command printed and how it ended. */
export type Said = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

const DEPS = { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() };

/**
 * A whole farm for one test or one file: real machines, cloud, Jenkins, gearmand and Postgres, all of its own, with the
 * built programs. Dispose of it, also where a test fails (`await using`, or afterAll).
 */
export class TestFarm implements AsyncDisposable {
  /** Everything that the farm writes. */
  readonly folder: string;
  readonly #cleanups: (() => Promise<void>)[] = [];
  readonly #bell = new Bell();
  readonly #daemons: LoggedProcess[] = [];
  #parts: Parts | undefined;
  #databaseUrl: Secret | undefined;
  #database: Database | undefined;

  private constructor() {
    this.folder = mkdtempSync('/var/tmp/np-it-'); // not /tmp: machines do not start on a container's overlay
    chmodSync(this.folder, 0o755); // Postgres may run as another user, who must get through
  }

  /** Starts all peers; no daemon yet. */
  static async start(options: FarmOptions = {}): Promise<TestFarm> {
    const farm = new TestFarm();
    try {
      await farm.#start(options);
    } catch (error) {
      await farm[Symbol.asyncDispose]();
      throw error;
    }
    return farm;
  }

  get cloud(): FarmCloud {
    return this.#part.cloud;
  }

  get jenkins(): FarmJenkins {
    return this.#part.jenkins;
  }

  get gearmanPort(): number {
    return this.#part.gearmand.port;
  }

  get stateDir(): string {
    return join(this.folder, 'state');
  }

  /** The tables, seen by a program of their own. */
  get database(): Database {
    if (this.#database === undefined) throw new Error('The database is not open: call openDatabase');
    return this.#database;
  }

  /** The address of the database that the daemon uses. */
  get databaseUrl(): Secret {
    if (this.#databaseUrl === undefined) throw new Error('The database is not open: call openDatabase');
    return this.#databaseUrl;
  }

  /** Makes sure that the managed database runs, and opens it. */
  async openDatabase(): Promise<void> {
    this.#databaseUrl = await ensureManagedPostgres({ stateDir: this.stateDir }, DEPS, neverAborted);
    if (this.#database === undefined) await this.#observe(this.#databaseUrl);
  }

  /** Writes the configuration anew; a running daemon is not told. */
  configure(changes: ConfigChanges = {}): void {
    const { cloud, jenkins, gearmand, host } = this.#part;
    const facts = {
      ...{ folder: this.folder, gearmanPort: gearmand.port, zmqEndpoint: jenkins.zmqEndpoint },
      ...{ authUrl: cloud.authUrl, sshPort: host.port, jenkinsUrl: jenkins.url },
      databaseUrl: this.#part.isManaged ? undefined : this.databaseUrl.reveal(),
    };
    writeFarmConfig(facts, changes);
  }

  get configPath(): string {
    return join(this.folder, 'nodepool.yaml');
  }

  /** Starts a daemon; by default waits until it runs. */
  async startDaemon(options: DaemonOptions = {}): Promise<LoggedProcess> {
    const { stateSize } = options;
    const disk = stateSize === undefined ? [] : withSmallDisk(this.stateDir, stateSize);
    const words = [...disk, ...this.#words('nodepoold', ['-d'])];
    const daemon = new LoggedProcess(words, { env: this.#environment, cwd: this.folder });
    this.#daemons.push(daemon);
    daemon.onChange(() => {
      this.#bell.ring();
    });
    if (options.untilRunning !== false) await daemon.logged(/Nodepool is running/);
    return daemon;
  }

  /** Runs the command line as an operator does. */
  async nodepool(...words: readonly string[]): Promise<Said> {
    const [program = '', ...args] = this.#words('nodepool', words);
    const options = { env: this.#environment, extendEnv: false, cwd: this.folder, reject: false, timeout: PATIENCE_MS };
    const { exitCode = -1, stdout, stderr } = await execa(program, args, { ...options, stdin: 'ignore' });
    return { exitCode, stdout, stderr };
  }

  /** Looks now and whenever something happens in the farm, until there is something. @throws {Error} it takes too long */
  async until<T>(what: string, look: () => Promise<T | undefined>, ms = PATIENCE_MS): Promise<T> {
    return await withDeadline({ what, ms }, { clock: systemClock }, (signal) => this.#bell.until(look, signal)).catch(
      async (error: unknown) => {
        throw new Error(`${String(error)}\n${await this.#story()}`, { cause: error });
      },
    );
  }

  /** The nodes, once exactly so many are in that state. */
  async untilNodes(count: number, state: NodeState): Promise<readonly Node[]> {
    return await this.until(`${count} nodes to be ${state}`, async () => {
      const nodes = await this.database.nodes.list({ states: [state] });
      return nodes.length === count ? nodes : undefined;
    });
  }

  /** The first ready node that Jenkins has connected to. */
  async untilUsable(): Promise<Node> {
    return await this.until('a node to be ready and online in Jenkins', async () => {
      const [nodes, online] = [
        await this.database.nodes.list({ states: ['ready'] }),
        await this.jenkins.onlineAgents(),
      ];
      return nodes.find(({ nodename = '' }) => online.includes(nodename));
    });
  }

  /** The node as it is when it is in that state; for `gone`, as it was before. */
  async untilNode(node: Node, state: NodeState | 'gone', ms?: number): Promise<Node> {
    const look = async (): Promise<Node | undefined> => {
      const now = await this.database.nodes.find(node.id);
      if (state === 'gone') return now === undefined ? node : undefined;
      return now?.state === state ? now : undefined;
    };
    return await this.until(`node ${node.id} to be ${state}`, look, ms);
  }

  /** The reasons of all that happened to a node, oldest first. */
  async historyOf(node: Pick<Node, 'id'>): Promise<readonly string[]> {
    const entries = await this.database.history.list('node', node.id);
    return entries.map(({ event, who, why }) => `${event} by ${who}: ${why}`);
  }

  /** Waits until nothing is in the cloud that no row knows, and no agent without a node is in Jenkins. */
  async untilTidy(): Promise<void> {
    let orphans: readonly string[] = [];
    await this.until('all leftovers to be gone', async () => {
      orphans = await this.#orphans();
      return orphans.length === 0 ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`Left over: ${orphans.join(', ')}`, { cause: error });
    });
  }

  /** Submits a job as Zuul does. It runs until `finishJob`. */
  submitJob(parameters: Readonly<Record<string, string | undefined>> = {}): Promise<JobEnd> {
    return submitJob(this.gearmanPort, parameters);
  }

  /** Lets the job end that runs on the node. */
  async finishJob(node: Node): Promise<void> {
    await this.onMachine(node, 'touch /tmp/finish');
  }

  /** What a command printed on the node's machine. */
  async onMachine({ ip = '' }: Node, command: string): Promise<string> {
    const settings = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'];
    const options = ['-F', 'none', '-i', join(this.folder, 'key'), ...settings.flatMap((each) => ['-o', each])];
    const login = ['-p', String(this.#part.host.port), `jenkins@${ip}`];
    return (await execa('ssh', [...options, ...login, command], { stdin: 'ignore', timeout: PATIENCE_MS })).stdout;
  }

  async killGearmand(): Promise<void> {
    await this.#part.gearmand.kill();
  }

  /** Starts gearmand again, at the port of before. */
  async restartGearmand(): Promise<void> {
    this.#part.gearmand = await startGearmand({ port: this.gearmanPort });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const daemon of this.#daemons) await daemon.kill();
    const failures: unknown[] = [];
    for (const cleanup of this.#cleanups.reverse()) await cleanup().catch((error: unknown) => failures.push(error));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    if (failures.length > 0) throw new AggregateError(failures, 'The farm could not be removed');
  }

  get #part(): Parts {
    if (this.#parts === undefined) throw new Error('The farm is not started');
    return this.#parts;
  }

  async #start(options: FarmOptions): Promise<void> {
    const isManaged = options.database === 'managed';
    mkdirSync(join(this.folder, 'scripts'));
    writeFarmScripts(this.folder);
    const keys = makeSshKeyPair();
    writeFileSync(join(this.folder, 'key'), keys.private, { mode: 0o600 });
    writeFileSync(join(this.folder, 'key.pub'), keys.public);
    const host = await openInstanceHost();
    this.#cleanups.push(() => host.destroyAll());
    const cloud = await FarmCloud.start(this.folder, host);
    this.#cleanups.push(() => cloud.close());
    const gearmand = await startGearmand();
    this.#cleanups.push(() => this.#part.gearmand.kill());
    const { zmqPort = 0 } = options;
    const jenkins = await FarmJenkins.start({ folder: this.folder, gearmanPort: gearmand.port, zmqPort });
    this.#cleanups.push(() => jenkins.stop('kill'));
    jenkins.onChange(() => {
      this.#bell.ring();
    });
    this.#parts = { host, cloud, gearmand, jenkins, isManaged };
    if (isManaged) this.#cleanups.push(() => this.#stopManagedDatabase());
    else await this.#makeDatabase();
    this.configure(options.config);
  }

  async #makeDatabase(): Promise<void> {
    const database = await makeTestDatabase(inject('postgresHost'));
    this.#cleanups.push(async () => {
      await database[Symbol.asyncDispose]();
    });
    this.#databaseUrl = database.url;
    await this.#observe(database.url);
  }

  async #observe(url: Secret): Promise<void> {
    const database = await openDatabase({ url, program: 'test' }, DEPS, neverAborted);
    this.#cleanups.push(() => database.close());
    this.#database = database;
    database.onChange(() => {
      this.#bell.ring();
    });
  }

  async #stopManagedDatabase(): Promise<void> {
    if (existsSync(this.stateDir)) await stopManagedPostgres({ stateDir: this.stateDir }, DEPS, neverAborted);
  }

  #words(program: string, words: readonly string[]): readonly string[] {
    return [join(inject('programs'), program), '-c', this.configPath, '-s', join(this.folder, 'secure.conf'), ...words];
  }

  /** Nothing of the account that runs the tests: no keys, no clouds.yaml. */
  get #environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: this.folder,
      NODEPOOL_STATE_DIR: this.stateDir,
      NODEPOOL_SSH_KEY: readFileSync(join(this.folder, 'key.pub'), 'utf8').trim(),
    };
  }

  async #orphans(): Promise<readonly string[]> {
    const [{ servers, images, keypairs }, agents] = [await this.cloud.overview(), await this.jenkins.agentNames()];
    const [nodes, rows] = [await this.database.nodes.list(), await this.database.images.list()];
    const known = new Set<string | undefined>([
      ...nodes.flatMap(({ externalId, nodename }) => [externalId, nodename]),
      ...rows.flatMap(({ externalId, serverExternalId }) => [externalId, serverExternalId]),
    ]);
    return [
      ...[...servers, ...images].filter(({ id }) => !known.has(id)).map(({ name }) => name),
      ...[...keypairs, ...agents].filter((name) => !known.has(name)),
    ];
  }

  async #story(): Promise<string> {
    const nodes = await this.#database?.nodes.list().catch(() => []);
    const rows = (nodes ?? []).map(({ id, state, step }) => `node ${id}: ${state} ${step ?? ''}`);
    return [...rows, '--- log', this.#daemons.at(-1)?.tail() ?? 'no daemon'].join('\n');
  }
}

/** The words that run a command with a small file system at `folder`. It goes with the command. */
function withSmallDisk(folder: string, size: string): readonly string[] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user', '--map-auto'];
  const script = 'mkdir -p "$1"; mount -t tmpfs -o "size=$2" tmpfs "$1"; shift 2; exec "$@"';
  return ['unshare', ...user, '--mount', '--', 'sh', '-ec', script, 'small', folder, size];
}

type Parts = {
  readonly host: InstanceHost;
  readonly cloud: FarmCloud;
  readonly jenkins: FarmJenkins;
  gearmand: Gearmand;
  readonly isManaged: boolean;
};
