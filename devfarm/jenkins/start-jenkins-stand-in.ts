/** A Jenkins in one process, for tests and for a farm on one machine: HTTP API, build events over ZeroMQ, gearman-plugin. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import type { Randomness } from '../../src/runtime/randomness.ts';
import { Journal } from '../openstack/journal.ts';
import type { AgentMachines } from './agent-machines.ts';
import { BuildQueue } from './build-queue.ts';
import { BuildRunner } from './build-runner.ts';
import { ChangeBell } from './change-bell.ts';
import { computerRoutes } from './computer-routes.ts';
import { Computers } from './computers.ts';
import { ConsoleLogs } from './console-logs.ts';
import { EventPublisher } from './event-publisher.ts';
import type { AgentRecord, BuildRecord, JobRecord } from './farm-records.ts';
import { FaultBook } from './fault-book.ts';
import { Gatekeeper } from './gatekeeper.ts';
import { GearmanPlugin } from './gearman-plugin.ts';
import { buildHttpFront } from './http-front.ts';
import type { JenkinsWorld } from './jenkins-world.ts';
import { JobBook } from './job-book.ts';
import { jobRoutes } from './job-routes.ts';
import { keepAgentConnected } from './keep-agent-connected.ts';
import { managerRoutes } from './manager-routes.ts';
import { type StandInOptions, type StandInOptionsInput, StandInOptionsSchema } from './stand-in-options.ts';

export type StandInDeps = {
  /** The agents' machines: `SshMachines`, or none in tests. */
  readonly machines: AgentMachines;
  readonly clock: Clock;
  readonly log: Logger;
  readonly randomness: Randomness;
};

export type JenkinsStandIn = {
  /** The manager's URL, with its prefix and without a slash at its end. */
  readonly url: string;
  /** Of the event publisher; nobody listens there before the first build unless told so. */
  readonly zmqEndpoint: string;
  /** Whether somebody hears the events. */
  hasEventSubscriber(): boolean;
  /** Calls back after agents, jobs, builds, the queue or listeners have changed; gives what ends that. */
  onChange(listener: () => void): () => void;
  /**
   * Stops as SIGTERM does: builds are ABORTED without events, their gearman clients hear WORK_FAIL, then all closes.
   * `kill` stops as SIGKILL: everything is cut, and gearmand gives the jobs to others.
   */
  close(how?: 'kill'): Promise<void>;
};

/**
 * Starts a manager on what its folder remembers, or from nothing.
 * @throws {z.ZodError} an option is wrong
 * @throws {Error} a port is taken, or the folder cannot be written
 */
export async function startJenkinsStandIn(input: StandInOptionsInput, deps: StandInDeps): Promise<JenkinsStandIn> {
  const standIn = await StandIn.prepare(StandInOptionsSchema.parse(input), deps);
  try {
    await standIn.start();
  } catch (error) {
    await standIn.close('kill');
    throw error;
  }
  return {
    url: standIn.url,
    zmqEndpoint: standIn.events.endpoint,
    hasEventSubscriber: () => standIn.events.hasSubscriber,
    onChange: (listener) => standIn.world.bell.listen(listener),
    close: (how) => standIn.close(how),
  };
}

/** The parts of a running stand-in. */
class StandIn {
  readonly world: JenkinsWorld;
  readonly events: EventPublisher;
  readonly #deps: StandInDeps;
  readonly #base: { url: string };
  readonly #journal: Journal;
  readonly #runner: BuildRunner;
  readonly #front: FastifyInstance;
  readonly #stopping: AbortController;
  #plugin: GearmanPlugin | undefined;
  #launches = new Set<Promise<void>>();
  #upAtMs = Infinity;
  #closed: Promise<void> | undefined;

  static async prepare(options: StandInOptions, deps: StandInDeps): Promise<StandIn> {
    const faults = new FaultBook();
    const base = { url: '' };
    const bell = new ChangeBell();
    const events = await EventPublisher.open({
      ...deps,
      options,
      faults,
      baseUrl: () => base.url,
      onSubscribers: () => {
        bell.ring();
      },
    });
    return new StandIn({ options, faults, bell, events, base }, deps);
  }

  private constructor(
    parts: {
      readonly options: StandInOptions;
      readonly faults: FaultBook;
      readonly bell: ChangeBell;
      readonly events: EventPublisher;
      readonly base: { url: string };
    },
    deps: StandInDeps,
  ) {
    const { options, faults, bell, events, base } = parts;
    this.#deps = deps;
    this.#base = base;
    this.events = events;
    this.#stopping = new AbortController();
    this.#journal = new Journal(options.stateDir);
    const common = { ...deps, options, bell, signal: this.#stopping.signal, baseUrl: () => base.url };
    const computers = this.#openComputers(common);
    const jobs = new JobBook({
      ...common,
      jobs: this.#journal.collection<JobRecord>('job'),
      builds: this.#journal.collection<BuildRecord>('build'),
      logs: new ConsoleLogs(options.stateDir),
    });
    const quiet = { isOn: false };
    this.#runner = new BuildRunner({ ...common, events, jobs });
    const queue = new BuildQueue({
      ...common,
      computers,
      jobs,
      runner: this.#runner,
      isQuietingDown: () => quiet.isOn,
    });
    this.world = { ...common, computers, jobs, queue, quiet };
    this.#front = buildHttpFront({
      ...common,
      faults,
      gatekeeper: new Gatekeeper(options, deps.randomness),
      routes: [...managerRoutes(this.world), ...computerRoutes(this.world), ...jobRoutes(this.world)],
      isUp: () => deps.clock.monotonicMs() >= this.#upAtMs,
    });
  }

  get url(): string {
    return this.#base.url;
  }

  async start(): Promise<void> {
    const { options, jobs, computers } = this.world;
    jobs.restore(options.jobs);
    this.#journal.compact();
    await this.#front.listen({ host: options.host, port: options.port });
    const { port } = this.#front.server.address() as AddressInfo; // it listens on TCP
    this.#base.url = `http://${options.host}:${port}${options.prefix}`;
    this.#upAtMs = this.#deps.clock.monotonicMs() + options.timing.bootMs;
    computers.restore();
    if (options.gearman !== undefined) this.#plugin = this.#startPlugin(options.gearman);
  }

  close(how?: 'kill'): Promise<void> {
    this.#closed ??= how === 'kill' ? this.#kill() : this.#stop();
    return this.#closed;
  }

  async #stop(): Promise<void> {
    await this.#runner.abortAll();
    this.#stopping.abort(new Error('Jenkins stops'));
    await this.#plugin?.close();
    await this.#end();
  }

  async #kill(): Promise<void> {
    this.#plugin?.kill();
    this.#stopping.abort(new Error('Jenkins is killed'));
    await this.#runner.abortAll();
    await this.#end();
  }

  async #end(): Promise<void> {
    for (const computer of this.world.computers.all()) computer.gone.abort(new Error('Jenkins stops'));
    await Promise.all(this.#launches);
    await this.#front.close();
    this.events.close();
    this.#journal.close();
  }

  #openComputers(common: StandInDeps & Pick<JenkinsWorld, 'options' | 'bell' | 'signal'>): Computers {
    return new Computers({
      ...common,
      agents: this.#journal.collection<AgentRecord>('agent'),
      removalMs: common.options.timing.removalMs,
      launch: (computer) => {
        const launch = keepAgentConnected(computer, common, computer.gone.signal);
        this.#launches.add(launch);
        void launch.finally(() => this.#launches.delete(launch));
      },
    });
  }

  #startPlugin(server: NonNullable<StandInOptions['gearman']>): GearmanPlugin {
    const { world } = this;
    return new GearmanPlugin(server, {
      ...this.#deps,
      ...world,
      runner: this.#runner,
      isQuietingDown: () => world.quiet.isOn,
    });
  }
}
