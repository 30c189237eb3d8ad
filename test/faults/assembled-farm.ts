import type { QueueStatus } from '../../src/gearman/queue-status-source.ts';
import { runDaemonLoops } from '../../src/assembly/daemon-loops.ts';
import { Daemon, type DaemonParts } from '../../src/assembly/daemon.ts';
import { takeInJobEvents } from '../../src/assembly/job-event-intake.ts';
import { jobEventDeps } from '../../src/assembly/pass-deps.ts';
import type { Config } from '../../src/config/config.ts';
import type { JobEvent } from '../../src/node/job-event.ts';
import { RemoteError } from '../../src/provider/remote-machine.ts';
import { DatabaseUnavailableError } from '../../src/runtime/errors.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { aConfig, aLabel, aProvider, aTarget } from '../builders/a-config.ts';
import { anImage } from '../builders/an-image.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeAgents } from '../fakes/fake-agents.ts';
import { FakeBuilderJobs } from '../fakes/fake-builder-jobs.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { FakeCloud } from '../fakes/fake-cloud.ts';
import { FakeMachines } from '../fakes/fake-machines.ts';
import { MemoryImageStore } from '../fakes/memory-image-store.ts';
import { MemoryNodeStore } from '../fakes/memory-node-store.ts';
import { onlyKeyPairs } from '../fakes/only-key-pairs.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { RecordingMetrics } from '../fakes/recording-metrics.ts';
import { letWorkGoOn } from '../pool/pass-time.ts';
import { FaultSwitch } from './fault-switch.ts';
import { Jobs } from './jobs.ts';
import { LoopWatch } from './loop-watch.ts';
import { memoryDatabase } from './memory-database.ts';

export const MIN_READY = 4;
const STEP_MS = 1_000;
const CLOUD = { deadlineMs: 60_000, concurrency: 4, shared: ['nextServerList'] };
const IMAGE_CALLS = ['findImage', 'listImages', 'createSnapshot', 'deleteImage'];
const NO_CALLS = ['addressesOf', 'close'];

/**
 * The assembled daemon on a clock that is moved by hand, with peers in memory: label `east` in provider `east`, the same
 * for `west`, and targets `ci-1` and `ci-2`. Those that can be made ill are east's cloud, its machines, ci-1, the database
 * and gearmand.
 */
export class AssembledFarm implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly log = new RecordingLogger();
  readonly tasks = new TaskBoard(this.clock);
  readonly nodes = new MemoryNodeStore([], { clock: this.clock });
  readonly images = new MemoryImageStore(['east', 'west'].map(imageOf), { clock: this.clock });
  readonly clouds = ['east', 'west'].map((name, index) => cloudOf(name, index, this.clock));
  readonly jenkins = ['ci-1', 'ci-2'].map((target) => new FakeAgents({ target }));
  readonly builders = new FakeBuilderJobs([], this.clouds);
  readonly machines = new FakeMachines({ clock: this.clock });
  readonly loops = new LoopWatch(this.tasks, this.clock);
  readonly jobs = new Jobs(this.jenkins, this.clock, (event) => {
    this.#publish(event);
  });
  readonly faults = faultsOf(this.clock);
  /** False: no event reaches the daemon. */
  isHeard = true;
  readonly #daemon: Daemon;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #events: Promise<void> = Promise.resolve();

  constructor(changes: Partial<Config> = {}) {
    this.#daemon = new Daemon(this.#parts(aConfig({ ...CONFIG, ...changes })), []);
    const { signal } = this.#stopping;
    this.#daemon.parts.database.onChange(({ table }) => {
      this.#daemon.onRowsChanged(table);
    });
    this.#running = runDaemonLoops(this.#daemon, { launches: true, deletes: true, images: true }, signal);
  }

  /** Lets `ms` pass, in which jobs run and `each` is called at each step. */
  async pass(ms: number, each: () => void = () => undefined): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
      await letWorkGoOn();
      this.jobs.step();
      each();
      await this.clock.advance(STEP_MS);
      this.loops.look();
    }
    await letWorkGoOn();
  }

  /** Lets time pass until the farm is at rest: all jobs served, both labels full, nothing under way or left over. */
  async passUntilFull(mostMs: number): Promise<void> {
    const isFull = (): boolean => ['east', 'west'].every((label) => this.usable(label) >= MIN_READY);
    const isAtRest = (): boolean => isFull() && this.jobs.unfinished.length === 0 && this.leftovers().length === 0;
    for (let passedMs = 0; passedMs < mostMs && !isAtRest(); passedMs += 5 * STEP_MS) await this.pass(5 * STEP_MS);
  }

  /** Rows in `ready` that Jenkins shows as usable, by label. */
  usable(label: string): number {
    const shown = new Set(
      this.jenkins.flatMap((jenkins) =>
        jenkins.nodenames.filter((name) => {
          const { connected, temporarilyOffline, busy } = jenkins.agent(name);
          return connected && !temporarilyOffline && !busy;
        }),
      ),
    );
    const ready = this.nodes.all().filter((node) => node.state === 'ready' && node.label === label);
    return ready.filter(({ nodename = '' }) => shown.has(nodename)).length;
  }

  /** Warnings and errors by their text without numbers. */
  countComplaints(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { level, message } of this.log.entries) {
      if (level !== 'warn' && level !== 'error') continue;
      const text = message.replaceAll(/\d+/g, 'N').replace(/ \(and N more .*| \(N times .*/, '');
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    return counts;
  }

  /** Names of what is there and no row knows, and of rows that are on their way. Nothing: the farm is at rest. */
  leftovers(): readonly string[] {
    const rows = this.nodes.all();
    const known = new Set(rows.flatMap(({ externalId, nodename }) => [externalId, nodename]));
    return [
      ...rows
        .filter(({ state }) => state !== 'ready' && state !== 'hold')
        .map(({ id, state, step }) => `node ${id} ${state} ${step ?? ''}`),
      ...this.clouds
        .flatMap((cloud) => cloud.servers.peekAll())
        .filter(({ id }) => !known.has(id))
        .map(({ name }) => name),
      ...this.jenkins.flatMap(({ nodenames }) => nodenames).filter((name) => !known.has(name)),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('The test is over'));
    await letWorkGoOn();
    await this.#running;
    await this.#daemon.settled();
  }

  #parts(config: Config): DaemonParts {
    const { clock, log, tasks, faults, nodes, images } = this;
    const clouds = new Map(
      this.clouds.map((cloud) => [
        cloud.name,
        cloud.name === 'east' ? faults.glance.wrap(faults.nova.wrap(cloud)) : cloud,
      ]),
    );
    const agents = new Map(
      this.jenkins.map((each) => [each.target, each.target === 'ci-1' ? faults.jenkins.wrap(each) : each]),
    );
    return {
      ...{ clock, log, tasks, randomness: new CountingRandomness(), metrics: new RecordingMetrics() },
      database: memoryDatabase({ nodes, images, clock }, faults.postgres),
      clients: {
        config,
        cloudOf: (name) => clouds.get(name),
        agentsOf: (name) => agents.get(name),
        allAgents: () => [...agents.values()],
        providerSection: (name) => config.providers.find((each) => each.name === name),
        ...{ keepsRetired: false, use: () => undefined, releaseUnused: () => undefined },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
      queueStatus: { read: () => this.#queue(), setServers: () => undefined, close: () => undefined },
      builderJobs: this.builders,
      imageFailures: { tell: () => undefined },
      machines: { open: (login, options, signal) => this.#machinesFor(login.host).open(login, options, signal) },
      keyPairs: onlyKeyPairs,
      quoteForShell: (text) => `'${text}'`,
      ...{ accountKeys: [], scriptEnvironment: {} },
    };
  }

  #machinesFor(host: string): FakeMachines {
    return host.startsWith('10.0.') ? this.faults.ssh.wrap(this.machines) : this.machines;
  }

  #queue(): Promise<QueueStatus> {
    const isAway = this.faults.gearmand.mode !== undefined && this.faults.gearmand.mode !== 'slow';
    const unknown: QueueStatus = { servers: [{ server: 'gearman:4730', state: 'unknown' }] };
    return Promise.resolve(isAway ? unknown : this.jobs.status());
  }

  /** As the sockets' buffer does it: a batch after the other. */
  #publish(event: JobEvent): void {
    if (!this.isHeard) return;
    const { signal } = this.#stopping;
    this.#events = this.#events.then(async () => {
      await takeInJobEvents([event], jobEventDeps(this.#daemon, signal), signal);
    });
  }
}

type Faults = Readonly<Record<'nova' | 'glance' | 'jenkins' | 'ssh' | 'postgres' | 'gearmand', FaultSwitch>>;

function faultsOf(clock: FakeClock): Faults {
  const away = (message: string): Error => new DatabaseUnavailableError(message);
  const broken = (message: string): Error => new RemoteError('connection', message);
  return {
    nova: new FaultSwitch(
      { name: 'Nova', ...CLOUD, covers: (call) => ![...IMAGE_CALLS, ...NO_CALLS].includes(call) },
      clock,
    ),
    glance: new FaultSwitch({ name: 'Glance', ...CLOUD, covers: (call) => IMAGE_CALLS.includes(call) }, clock),
    jenkins: new FaultSwitch({ name: 'Jenkins', deadlineMs: 30_000, concurrency: 6 }, clock),
    ssh: new FaultSwitch({ name: 'ssh', deadlineMs: 60_000, concurrency: 500, failure: broken }, clock),
    postgres: new FaultSwitch({ name: 'Postgres', deadlineMs: 35_000, concurrency: 8, failure: away }, clock),
    gearmand: new FaultSwitch({ name: 'gearmand', deadlineMs: 10_000, concurrency: 1 }, clock),
  };
}

const CONFIG: Partial<Config> = {
  labels: ['east', 'west'].map((name) => aLabel({ name, providers: [name], minReady: MIN_READY })),
  providers: ['east', 'west'].map((name) => aProvider({ name, maxServers: 16 })),
  targets: ['ci-1', 'ci-2'].map((name) => aTarget({ name })),
};

function imageOf(provider: string, index: number): ReturnType<typeof anImage> {
  return anImage({ id: index + 1, provider });
}

function cloudOf(name: string, index: number, clock: FakeClock): FakeCloud {
  const image = { id: `image-${index + 1}`, name: 'template-trusty', status: 'active', properties: {} };
  return new FakeCloud({
    ...{ name, clock, images: [image] },
    addresses: (count) => [{ network: 'private', ip: `10.${index}.0.${count}`, version: 4, kind: 'fixed' }],
  });
}
