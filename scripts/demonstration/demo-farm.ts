import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { networkOf, findRunning, startFarm, stopFarm } from '../../devfarm/farm/farm-control.ts';
import { farmFolder, type FarmState } from '../../devfarm/farm/farm-folder.ts';
import { pollUntil } from '../../devfarm/farm/poll-until.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import { plainLogging } from '../../src/runtime/logging/plain-logging.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { findProcesses } from './find-processes.ts';
import { type NodeRow, readNodes, readTable } from './node-rows.ts';
import type { Progress } from './progress.ts';

const run = promisify(execFile);
/** The checkout: the program is in its `dist`. */
export const REPOSITORY = join(import.meta.dirname, '..');
const STEP_MS = 90_000;
const ROOT = join(tmpdir() === '/tmp' ? '/var/tmp' : tmpdir(), 'nodepool-demo');

const Cloud = z.object({
  servers: z.array(z.object({ id: z.string(), name: z.string(), image: z.string() })),
  images: z.array(z.object({ id: z.string(), status: z.string(), disk_format: z.string().nullable() })),
});

const Agents = z.object({ computer: z.array(z.object({ displayName: z.string(), offline: z.boolean() })) });

/** Set where the demonstration runs in a network of its own. */
export const OWN_NETWORK = 'NODEPOOL_DEMO_OWN_NETWORK';

/** Where the demonstration's devfarm lives. */
export const DEMO_FARM = join(ROOT, 'farm');

/** The farm of the demonstration: devfarm and a nodepoold in a folder of their own, steered as a user would. */
export class DemoFarm {
  readonly root = ROOT;
  readonly folder = farmFolder(DEMO_FARM);
  readonly signal = new AbortController().signal;
  readonly log: Logger = plainLogging({ level: 'warn', json: false }, systemClock).logger('demo');
  readonly deps = {
    clock: systemClock,
    randomness: systemRandomness,
    log: this.log,
    tasks: new TaskBoard(systemClock),
  };
  readonly #progress: Progress;
  readonly #pidFile = join(this.root, 'nodepoold.pid');
  readonly #logFile = join(this.root, 'nodepoold.log');
  #prefix: readonly string[] = [];

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  get state(): FarmState {
    const state = findRunning(this.folder);
    if (state === undefined) throw new Error(`devfarm is not running, see ${this.folder.log}`);
    return state;
  }

  isRunning(): boolean {
    return findRunning(this.folder) !== undefined;
  }

  async startPeers(): Promise<void> {
    mkdirSync(this.root, { recursive: true });
    this.#progress.note('starting the cloud, Jenkins and gearmand (the first time this builds a small Debian)');
    const words = [join(REPOSITORY, 'dist/devfarm.js'), 'serve', '--state', this.folder.root];
    await startFarm(this.folder, { machines: true, argv: words });
    this.#prefix = (await networkOf(this.folder)).prefix;
    this.#progress.check('devfarm is up: cloud, Jenkins, ZeroMQ, gearmand');
  }

  async startNodepool(): Promise<void> {
    const log = openSync(this.#logFile, 'a');
    const [program = '', ...words] = this.#inFarm([join(REPOSITORY, 'bin/nodepoold'), '-d', ...this.#configWords()]);
    const child = spawn(program, words, { detached: true, stdio: ['ignore', log, log], env: this.#environment() });
    writeFileSync(this.#pidFile, String(child.pid ?? ''));
    child.unref();
    const started = await pollUntil(STEP_MS, () =>
      readFileSync(this.#logFile, 'utf8').includes('Nodepool is running') ? true : this.#deadDaemon(),
    );
    if (started !== true) throw new Error(`nodepoold did not start, see ${this.#logFile}`);
    this.#progress.check('nodepoold is up, with a Postgres of its own');
  }

  /** Runs the command line and gives its standard output. */
  async nodepool(...words: readonly string[]): Promise<string> {
    const [program = '', ...rest] = this.#inFarm([join(REPOSITORY, 'bin/nodepool'), ...this.#configWords(), ...words]);
    return (await run(program, rest, { env: this.#environment() })).stdout;
  }

  /** The rows that a command prints; throws if it tells of a failure beside them. */
  async rowsUnlessFailed(command: string): Promise<readonly (readonly string[])[]> {
    const [program = '', ...rest] = this.#inFarm([join(REPOSITORY, 'bin/nodepool'), ...this.#configWords(), command]);
    const { stdout, stderr } = await run(program, rest, { env: this.#environment() });
    if (stderr.includes(' failed ')) throw new Error(stderr.trim());
    return readTable(stdout);
  }

  async awaitImage(): Promise<string> {
    const cells = await this.until('the snapshot image to be ready', async () =>
      readTable(await this.nodepool('image-list')).find((row) => row[7] === 'ready'),
    );
    return `${cells[3] ?? ''} (${cells[5] ?? ''})`;
  }

  async nodes(): Promise<readonly NodeRow[]> {
    return readNodes(await this.nodepool('list'));
  }

  async awaitReady(count: number): Promise<readonly NodeRow[]> {
    return await this.until(`${count} nodes to be ready`, async () => {
      const ready = (await this.nodes()).filter(({ state }) => state === 'ready');
      return ready.length >= count ? ready : undefined;
    });
  }

  async holdOne(): Promise<NodeRow> {
    const node = (await this.awaitReady(1))[0];
    if (node === undefined) throw new Error('There is no ready node');
    this.#progress.print(await this.nodepool('hold', String(node.id), '--reason', 'kept by the demonstration'));
    return node;
  }

  async assertHeld(held: NodeRow): Promise<void> {
    const now = (await this.nodes()).find(({ id }) => id === held.id);
    if (now?.state !== 'hold') throw new Error(`Node ${held.id} is not held any more but ${now?.state ?? 'gone'}`);
    const uuid = await this.onMachine(held, 'cat /etc/nodepool/uuid');
    if (uuid !== held.serverId) throw new Error(`The machine of node ${held.id} says that it is ${uuid}`);
  }

  /** What a command prints on the node's machine. */
  async onMachine(node: NodeRow, command: string): Promise<string> {
    const key = join(this.folder.keys, 'id_rsa');
    const options = ['-F', 'none', '-i', key, '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'];
    const login = ['ssh', ...options, '-o', 'LogLevel=ERROR', '-p', String(this.state.sshPort), `jenkins@${node.ip}`];
    const [program = '', ...words] = this.#inFarm([...login, command]);
    return (await run(program, words)).stdout.trim();
  }

  /** All that is in the cloud, besides what was there from the start. */
  async cloud(): Promise<z.output<typeof Cloud>> {
    return Cloud.parse(await this.#fetch(`${new URL(this.state.authUrl).origin}/_devfarm/servers`));
  }

  /** Names of the agents that Jenkins has connected to. */
  async onlineAgents(): Promise<readonly string[]> {
    return (await this.#agents()).filter(({ offline }) => !offline).map(({ displayName }) => displayName);
  }

  /** Looks until there is something, and gives that. @throws {Error} it takes longer than `ms` */
  async until<T>(what: string, look: () => Promise<T | undefined>, ms = STEP_MS): Promise<T> {
    const found = await pollUntil(ms, look);
    if (found === undefined) throw new Error(`Waited ${ms / 1000} s in vain for ${what}`);
    return found;
  }

  /** Waits until Jenkins cannot give the node a job any more. */
  async awaitNoAgent(node: NodeRow): Promise<void> {
    await this.until(`node ${node.id} to be out of Jenkins`, async () =>
      (await this.#agents()).some(({ displayName }) => displayName === node.nodename) ? undefined : true,
    );
  }

  /** Waits until no node of those names is in the list, in the cloud or in Jenkins. */
  async awaitGone(nodenames: ReadonlySet<string>): Promise<void> {
    await this.until('all used nodes to be gone', async () => {
      const names = [
        ...(await this.nodes()).map(({ nodename }) => nodename),
        ...(await this.cloud()).servers.map(({ name }) => name),
        ...(await this.#agents()).map(({ displayName }) => displayName),
      ];
      return names.some((name) => nodenames.has(name)) ? undefined : true;
    });
  }

  /** Ends everything and removes the folder. */
  async stop(): Promise<void> {
    await this.#stopNodepool();
    if (existsSync(join(this.root, 'state'))) await this.nodepool('db', 'stop').catch(() => undefined);
    await stopFarm(this.folder, this.log);
    rmSync(this.root, { recursive: true, force: true });
  }

  /** The last lines of the logs: what went wrong is mostly there. */
  async tellLogs(): Promise<void> {
    for (const path of [this.#logFile, this.folder.log].filter((each) => existsSync(each))) {
      const { stdout } = await run('tail', ['-n', '15', path]);
      this.#progress.print(`--- ${path}\n${stdout}`);
    }
  }

  tellHowToLook(): void {
    const words = process.env[OWN_NETWORK] === '1' ? `bin/devfarm run --state ${this.folder.root} -- ` : '';
    this.#progress.print(`
The farm runs on. Look at it:
  export NODEPOOL_STATE_DIR=${this.root}/state
  ${words}bin/nodepool ${this.#configWords().join(' ')} list
  tail -f ${this.#logFile}
  bin/devfarm status --state ${this.folder.root}
End it:
  scripts/demo --stop
`);
  }

  /** Whoever started it: by its configuration, for an operator may have started it again by hand. */
  async #stopNodepool(): Promise<void> {
    const look = (): readonly number[] => findProcesses('nodepoold', join(this.folder.nodepool, 'nodepool.yaml'));
    for (const pid of look()) tryKill(pid);
    const ended = await pollUntil(STEP_MS, () => (look().length > 0 ? undefined : true));
    if (ended === undefined) throw new Error(`nodepoold (process ${look().join(', ')}) does not end`);
  }

  #deadDaemon(): 'dead' | undefined {
    const pid = Number(readFileSync(this.#pidFile, 'utf8'));
    return existsSync(`/proc/${pid}`) ? undefined : 'dead';
  }

  async #agents(): Promise<z.output<typeof Agents>['computer']> {
    const url = `${this.state.jenkinsUrl}/computer/api/json?tree=computer[displayName,offline]`;
    return Agents.parse(await this.#fetch(url)).computer;
  }

  /** By a program, since only a program can be put into the farm's network. */
  async #fetch(url: string): Promise<unknown> {
    const [program = '', ...words] = this.#inFarm([process.execPath, '-e', FETCH, url]);
    return JSON.parse((await run(program, words)).stdout);
  }

  #inFarm(words: readonly string[]): readonly string[] {
    return [...this.#prefix, ...words];
  }

  #configWords(): readonly string[] {
    return ['-c', join(this.folder.nodepool, 'nodepool.yaml'), '-s', join(this.folder.nodepool, 'secure.conf')];
  }

  #environment(): NodeJS.ProcessEnv {
    const key = join(this.folder.keys, 'id_rsa.pub');
    return {
      ...process.env,
      NODEPOOL_STATE_DIR: join(this.root, 'state'),
      NODEPOOL_SSH_KEY: existsSync(key) ? readFileSync(key, 'utf8').trim() : '',
    };
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // it ended this moment, or is another account's: then its end is waited for in vain, and that is told
  }
}

const FETCH = `
const headers = { authorization: 'Basic ' + Buffer.from('nodepool:devfarm-token').toString('base64') };
fetch(process.argv[1], { headers }).then(async (answer) => {
  if (!answer.ok) throw new Error(process.argv[1] + ' answered ' + answer.status);
  process.stdout.write(await answer.text());
});`;
