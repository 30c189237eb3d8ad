import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { type JenkinsStandIn, startJenkinsStandIn } from '../../../devfarm/jenkins/start-jenkins-stand-in.ts';
import type { StandInOptionsInput } from '../../../devfarm/jenkins/stand-in-options.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { CountingRandomness } from '../../fakes/counting-randomness.ts';
import { FakeAgentMachines } from '../../fakes/fake-agent-machines.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';

export type BenchOptions = Partial<StandInOptionsInput> & { readonly clock?: Clock };

export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
};

/** A running stand-in with machines in memory, and a user who calls it. Disposing ends it and removes its folder. */
export class StandInBench implements AsyncDisposable {
  readonly machines = new FakeAgentMachines();
  readonly randomness = new CountingRandomness();
  readonly log = new RecordingLogger();
  readonly folder: string;
  readonly #options: BenchOptions;
  #jenkins: JenkinsStandIn;

  private constructor(folder: string, options: BenchOptions) {
    this.folder = folder;
    this.#options = options;
    this.#jenkins = undefined as never; // set by `start`, the only one who builds us
  }

  /** Everything happens at once unless `options.timing` says otherwise. */
  static async start(options: BenchOptions = {}): Promise<StandInBench> {
    const bench = new StandInBench(await mkdtemp(join(tmpdir(), 'jenkins-')), options);
    await bench.boot();
    return bench;
  }

  get url(): string {
    return this.#jenkins.url;
  }

  get zmqEndpoint(): string {
    return this.#jenkins.zmqEndpoint;
  }

  /** Starts it again on the folder of before. */
  async boot(changes: BenchOptions = {}): Promise<void> {
    const { clock, timing, ...options } = { ...this.#options, ...changes };
    this.#jenkins = await startJenkinsStandIn(
      {
        stateDir: this.folder,
        user: 'jenkins',
        apiToken: 'api-token',
        password: 'password',
        credentials: [{ id: 'agent-key', username: 'jenkins', privateKeyPath: '/nowhere/key' }],
        ...options,
        timing: { createMs: 0, removalMs: 0, endingJitterMs: 0, ...timing },
      },
      { machines: this.machines, clock: clock ?? systemClock, log: this.log, randomness: this.randomness },
    );
  }

  stop(how?: 'kill'): Promise<void> {
    return this.#jenkins.close(how);
  }

  /** A request with the API token; `METHOD PATH`. */
  async call(
    line: string,
    more: { readonly headers?: Record<string, string>; readonly body?: string } = {},
  ): Promise<Reply> {
    const [method = '', path = ''] = line.split(' ', 2);
    const authorization = `Basic ${Buffer.from('jenkins:api-token').toString('base64')}`;
    const response = await request(`${this.url}${path}`, {
      method: method as 'GET', // any method will do
      headers: { authorization, ...more.headers },
      ...(more.body !== undefined && { body: more.body }),
    });
    return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
  }

  /** The JSON below `PATH/api/json?tree=TREE`. */
  async read(path: string, tree?: string): Promise<Record<string, unknown>> {
    const reply = await this.call(`GET ${path}/api/json${tree === undefined ? '' : `?tree=${tree}`}`);
    if (reply.status !== 200) throw new Error(`${path} is ${reply.status}`);
    return JSON.parse(reply.text) as Record<string, unknown>; // Jenkins answers objects
  }

  /** Reads again after every change in Jenkins until the answer fits. */
  async until(
    path: string,
    tree: string,
    fits: (json: Record<string, unknown>) => boolean,
  ): Promise<Record<string, unknown>> {
    const jenkins = this.#jenkins;
    for (;;) {
      let stop = (): void => undefined;
      const changed = new Promise<void>((resolve) => {
        stop = jenkins.onChange(resolve);
      });
      const json = await this.read(path, tree).catch(() => ({}));
      if (fits(json)) {
        stop();
        return json;
      }
      await changed;
      stop();
    }
  }

  /** Resolves when an event that is published now is heard. */
  async untilHeard(): Promise<void> {
    const jenkins = this.#jenkins;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!jenkins.hasEventSubscriber()) return;
        stop();
        resolve();
      };
      const stop = jenkins.onChange(look);
      look();
    });
  }

  async createAgent(name: string, changes: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    const form = {
      name,
      nodeDescription: 'Dynamic single use test node',
      numExecutors: 1,
      remoteFS: '/srv/agents',
      labelString: 'centos6',
      mode: 'EXCLUSIVE',
      launcher: { host: `${name}.example.org`, port: 22, credentialsId: 'agent-key' },
      ...changes,
    };
    const query = new URLSearchParams({
      name,
      type: 'hudson.slaves.DumbSlave$DescriptorImpl',
      json: JSON.stringify(form),
    });
    return await this.call(`POST /computer/doCreateItem?${query.toString()}`);
  }

  /** Creates an agent and waits until it is connected. */
  async onlineAgent(name: string, changes: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.createAgent(name, changes);
    await this.until(`/computer/${encodeURIComponent(name)}`, 'offline', (json) => json['offline'] === false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#jenkins.close('kill');
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A job for label `centos6`. */
export const GATE_UNIT = {
  name: 'gate-unit',
  label: 'centos6',
  command: 'echo hello from $NODE_NAME; sleep ${SLEEP:-1}',
  parameters: { ZUUL_UUID: '', SLEEP: '1' },
} as const;
