import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../src/db/database.ts';
import type { NodeState } from '../../src/node/lifecycle.ts';
import type { Node } from '../../src/node/node.ts';
import { systemClock, withDeadline } from '../../src/runtime/clock.ts';
import type { Secret } from '../../src/runtime/secret.ts';
import { Bell } from './bell.ts';
import { CleanupStack } from './cleanup-stack.ts';
import type { FarmCloud } from './farm-cloud.ts';
import { type ConfigChanges, writeFarmConfig, writeFarmScripts } from './farm-config.ts';
import { FarmDatabase } from './farm-database.ts';
import type { FarmJenkins } from './farm-jenkins.ts';
import { FarmPeers } from './farm-peers.ts';
import { type DaemonOptions, FarmPrograms, type Said } from './farm-programs.ts';
import { type LoggedProcess, PATIENCE_MS } from './logged-process.ts';
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

/**
 * A whole farm for one test or one file: real machines, cloud, Jenkins, gearmand and Postgres, all of its own, with the
 * built programs. Dispose of it, also where a test fails (`await using`, or afterAll).
 */
export class TestFarm implements AsyncDisposable {
  /** Everything that the farm writes. */
  readonly folder: string;
  readonly #bell = new Bell();
  readonly #cleanups = new CleanupStack();
  readonly #database: FarmDatabase;
  #peers: FarmPeers | undefined;
  #programs: FarmPrograms | undefined;

  private constructor(isManaged: boolean) {
    this.folder = mkdtempSync('/var/tmp/np-it-'); // not /tmp: machines do not start on a container's overlay
    chmodSync(this.folder, 0o755); // Postgres may run as another user, who must get through
    this.#database = new FarmDatabase(this.stateDir, isManaged, () => {
      this.#bell.ring();
    });
  }

  /** Starts all peers; no daemon yet. */
  static async start(options: FarmOptions = {}): Promise<TestFarm> {
    const farm = new TestFarm(options.database === 'managed');
    try {
      await farm.#start(options);
    } catch (error) {
      await farm[Symbol.asyncDispose]();
      throw error;
    }
    return farm;
  }

  get cloud(): FarmCloud {
    return this.#peer.cloud;
  }

  get jenkins(): FarmJenkins {
    return this.#peer.jenkins;
  }

  get gearmanPort(): number {
    return this.#peer.gearmanPort;
  }

  get stateDir(): string {
    return join(this.folder, 'state');
  }

  get configPath(): string {
    return join(this.folder, 'nodepool.yaml');
  }

  /** The tables, seen by a program of their own. */
  get database(): Database {
    return this.#database.tables;
  }

  /** The address of the database that the daemon uses. */
  get databaseUrl(): Secret {
    return this.#database.url;
  }

  /** Makes sure that the managed database runs, and opens it. */
  async openDatabase(): Promise<void> {
    await this.#database.open();
  }

  /** Writes the configuration anew; a running daemon is not told. */
  configure(changes: ConfigChanges = {}): void {
    const facts = {
      ...{ folder: this.folder, gearmanPort: this.gearmanPort, sshPort: this.#peer.sshPort },
      ...{ authUrl: this.cloud.authUrl, jenkinsUrl: this.jenkins.url, zmqEndpoint: this.jenkins.zmqEndpoint },
      databaseUrl: this.#database.isManaged ? undefined : this.databaseUrl.reveal(),
    };
    writeFarmConfig(facts, changes);
  }

  /** Writes the scripts that work; a daemon takes them at its next image. */
  repairScripts(): void {
    writeFarmScripts(this.folder);
  }

  /** Starts a daemon; by default waits until it runs. */
  async startDaemon(options: DaemonOptions = {}): Promise<LoggedProcess> {
    return await this.#program.startDaemon(options);
  }

  /** Runs the command line as an operator does. */
  async nodepool(...words: readonly string[]): Promise<Said> {
    return await this.#program.nodepool(...words);
  }

  /** Lets the daemon's program look at its setup. */
  async checkSetup(): Promise<Said> {
    return await this.#program.checkSetup();
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
  async onMachine(node: Node, command: string): Promise<string> {
    return await this.#peer.onMachine(node, command);
  }

  async killGearmand(): Promise<void> {
    await this.#peer.killGearmand();
  }

  /** Starts gearmand again, at the port of before. */
  async restartGearmand(): Promise<void> {
    await this.#peer.restartGearmand();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#cleanups.run();
    } finally {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    }
  }

  get #peer(): FarmPeers {
    if (this.#peers === undefined) throw new Error('The farm is not started');
    return this.#peers;
  }

  get #program(): FarmPrograms {
    if (this.#programs === undefined) throw new Error('The farm is not started');
    return this.#programs;
  }

  async #start({ zmqPort, config }: FarmOptions): Promise<void> {
    const { folder, stateDir } = this;
    const onChange = (): void => {
      this.#bell.ring();
    };
    mkdirSync(join(folder, 'scripts'));
    this.repairScripts();
    const peers = await FarmPeers.start({ folder, zmqPort });
    this.#peers = peers;
    this.#cleanups.add(() => peers[Symbol.asyncDispose]());
    peers.jenkins.onChange(onChange);
    this.#cleanups.add(() => this.#database[Symbol.asyncDispose]());
    if (!this.#database.isManaged) await this.#database.open();
    const programs = new FarmPrograms({ folder, stateDir, publicKey: peers.publicKey, onChange });
    this.#programs = programs;
    this.#cleanups.add(() => programs.killDaemons());
    this.configure(config);
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
    const nodes = await this.#database.tablesIfOpen?.nodes.list().catch(() => []);
    const rows = (nodes ?? []).map(({ id, state, step }) => `node ${id}: ${state} ${step ?? ''}`);
    return [...rows, '--- log', this.#programs?.tail() ?? ''].join('\n');
  }
}
