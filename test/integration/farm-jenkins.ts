import { join } from 'node:path';
import { request } from 'undici';
import { z } from 'zod';
import { SshMachines } from '../../devfarm/jenkins/ssh-machines.ts';
import { type JenkinsStandIn, startJenkinsStandIn } from '../../devfarm/jenkins/start-jenkins-stand-in.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { NAMES } from './farm-config.ts';

/** Runs until somebody says `finish` on its machine, so that tests need not guess how long it takes. */
const JOB_COMMAND = 'hostname; until [ -e /tmp/finish ]; do sleep 0.05; done';

const Computers = z.object({
  computer: z.array(z.object({ displayName: z.string(), offline: z.boolean(), idle: z.boolean() })),
});

export type JenkinsOptions = {
  readonly folder: string;
  readonly gearmanPort: number;
  /** Absent: any that is free. */
  readonly zmqPort?: number;
};

/** The farm's Jenkins: the stand-in, with a job that runs until it is told to finish. */
export class FarmJenkins {
  readonly #options: JenkinsOptions;
  readonly #listeners = new Set<() => void>();
  #standIn: JenkinsStandIn | undefined;
  #url = '';
  #zmqEndpoint = '';

  private constructor(options: JenkinsOptions) {
    this.#options = options;
  }

  static async start(options: JenkinsOptions): Promise<FarmJenkins> {
    const jenkins = new FarmJenkins(options);
    await jenkins.start();
    return jenkins;
  }

  get url(): string {
    return this.#url;
  }

  get zmqEndpoint(): string {
    return this.#zmqEndpoint;
  }

  /** Starts it, at the ports of before if it ran. */
  async start(): Promise<void> {
    const { folder, gearmanPort, zmqPort = 0 } = this.#options;
    const before = { port: portOf(this.#url), zmqPort: portOf(this.#zmqEndpoint) };
    this.#standIn = await startJenkinsStandIn(
      {
        stateDir: join(folder, 'jenkins'),
        port: before.port,
        zmqPort: before.zmqPort === 0 ? zmqPort : before.zmqPort,
        bindZmqLate: false,
        user: NAMES.user,
        apiToken: NAMES.token,
        gearman: { host: '127.0.0.1', port: gearmanPort },
        credentials: [{ id: 'node-key', username: 'jenkins', privateKeyPath: join(folder, 'key') }],
        jobs: [{ name: NAMES.job, label: NAMES.label, command: JOB_COMMAND }],
        timing: { retryWaitMs: 200, removalMs: 200, relaunchMs: 500 },
      },
      { machines: new SshMachines(), clock: systemClock, log: new RecordingLogger(), randomness: systemRandomness },
    );
    this.#url = this.#standIn.url;
    this.#zmqEndpoint = this.#standIn.zmqEndpoint;
    this.#standIn.onChange(() => {
      for (const listener of [...this.#listeners]) listener();
    });
  }

  /** Ends it; it can be started again. */
  async stop(how?: 'kill'): Promise<void> {
    await this.#standIn?.close(how);
    this.#standIn = undefined;
  }

  /** Whether Nodepool hears the build events. */
  get isHeard(): boolean {
    return this.#standIn?.hasEventSubscriber() === true;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes it answer otherwise than it would, until `mend`. */
  async fail(faults: { readonly rules?: readonly unknown[]; readonly dropEvents?: unknown }): Promise<void> {
    const { statusCode } = await request(`${new URL(this.#url).origin}/_devfarm/faults`, {
      method: 'PUT',
      body: JSON.stringify(faults),
    });
    if (statusCode !== 200) throw new Error(`Jenkins refuses the faults: ${statusCode}`);
  }

  async mend(): Promise<void> {
    await this.fail({});
  }

  /** Names of the agents that are there and connected, in order. */
  async onlineAgents(): Promise<readonly string[]> {
    return (await this.#agents()).filter(({ offline }) => !offline).map(({ displayName }) => displayName);
  }

  /** Names of the agents with a running build. */
  async busyAgents(): Promise<readonly string[]> {
    return (await this.#agents()).filter(({ idle }) => !idle).map(({ displayName }) => displayName);
  }

  async agentNames(): Promise<readonly string[]> {
    return (await this.#agents()).map(({ displayName }) => displayName);
  }

  async #agents(): Promise<z.output<typeof Computers>['computer']> {
    const authorization = `Basic ${Buffer.from(`${NAMES.user}:${NAMES.token}`).toString('base64')}`;
    const { body } = await request(`${this.#url}/computer/api/json`, { headers: { authorization } });
    const { computer } = Computers.parse(await body.json());
    return computer.filter(({ displayName }) => displayName.startsWith(`${NAMES.label}-`));
  }
}

function portOf(url: string): number {
  return url === '' ? 0 : Number(/:(\d+)(?:\/|$)/.exec(url)?.[1] ?? 0);
}
