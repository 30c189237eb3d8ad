import type { Config } from '../../src/config/config.ts';
import type { Node } from '../../src/node/node.ts';
import type { DeleteDeps } from '../../src/pool/delete-node.ts';
import { type DeletionPassDeps, DeletionRetries } from '../../src/pool/deletion-pass.ts';
import type { Farm } from '../../src/pool/farm.ts';
import type { HoldPassDeps } from '../../src/pool/hold-pass.ts';
import { LaunchBreakers } from '../../src/pool/launch-breakers.ts';
import { findLaunch, type LaunchPassDeps } from '../../src/pool/launch-pass.ts';
import { LaunchTurns } from '../../src/pool/launch-turns.ts';
import type { Launch, LaunchDeps } from '../../src/pool/launch.ts';
import { type ReconcileDeps, Sightings } from '../../src/pool/reconcile-pass.ts';
import type { RegistrationPassDeps } from '../../src/pool/registration-pass.ts';
import { SingleUse } from '../../src/pool/single-use.ts';
import { PartedPass } from '../../src/runtime/parted-pass.ts';
import { SharedComplaints } from '../../src/runtime/shared-complaints.ts';
import { KeyedTasks } from '../../src/runtime/keyed-tasks.ts';
import { type Task, TaskBoard } from '../../src/runtime/task-board.ts';
import { aConfig } from '../builders/a-config.ts';
import { aNode } from '../builders/a-node.ts';
import { anImage } from '../builders/an-image.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeAgents, type FakeAgentsOptions } from '../fakes/fake-agents.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { FakeCloud, type FakeCloudOptions } from '../fakes/fake-cloud.ts';
import { FakeMachines, type FakeMachinesOptions } from '../fakes/fake-machines.ts';
import { MemoryHistoryStore } from '../fakes/memory-history-store.ts';
import { MemoryImageStore } from '../fakes/memory-image-store.ts';
import { MemoryNodeStore } from '../fakes/memory-node-store.ts';
import { onlyKeyPairs } from '../fakes/only-key-pairs.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { RecordingMetrics } from '../fakes/recording-metrics.ts';

export const INSTALLATION = '11111111-1111-4111-8111-111111111111';

type Wrap = <T extends object>(peer: T) => T;

export type PoolBenchOptions = {
  readonly config?: Partial<Config>;
  readonly nodes?: readonly Node[];
  readonly cloud?: FakeCloudOptions;
  readonly agents?: FakeAgentsOptions;
  readonly machines?: FakeMachinesOptions;
  /** Cloud polls, SSH tries and script deadlines take time of the clock. Default false: they pass at once. */
  readonly slow?: boolean;
};

/** What lives outside the daemon, and one daemon process after another on top of it. */
export class PoolBench {
  readonly clock = new FakeClock();
  readonly log = new RecordingLogger();
  readonly randomness = new CountingRandomness();
  readonly metrics = new RecordingMetrics();
  readonly history = new MemoryHistoryStore(this.clock);
  readonly nodes: MemoryNodeStore;
  readonly images: MemoryImageStore;
  readonly cloud: FakeCloud;
  readonly agents: FakeAgents;
  readonly machines: FakeMachines;
  config: Config;
  /** Looks at, or replaces, what a process calls: see `Life`. */
  wrap: Wrap = (peer) => peer;

  constructor(options: PoolBenchOptions = {}) {
    const { clock, history } = this;
    const timed = options.slow === true ? { clock } : {};
    this.config = aConfig(options.config);
    this.nodes = new MemoryNodeStore(options.nodes ?? [aNode()], { clock, history });
    this.images = new MemoryImageStore([anImage()], { clock, history });
    const cloudImage = { id: 'image-1', name: 'template-trusty', status: 'active', properties: {} };
    this.cloud = new FakeCloud({ images: [cloudImage], ...timed, ...options.cloud });
    this.agents = new FakeAgents(options.agents);
    this.machines = new FakeMachines({ ...timed, ...options.machines });
  }

  get farm(): Farm {
    return this.#farmOf(this.wrap);
  }

  /** The row as it is now. @throws {Error} there is none */
  node(id = 1): Node {
    const node = this.nodes.all().find((each) => each.id === id);
    if (node === undefined) throw new Error(`There is no node ${id}`);
    return node;
  }

  launch(id = 1): Launch {
    const launch = findLaunch(this.node(id), this.farm);
    if (launch === undefined) throw new Error(`Node ${id} is not configured`);
    return launch;
  }

  launchDeps(task: Task = this.startProcess().task, wrap = this.wrap): LaunchDeps {
    return {
      ...this.#deps(task, wrap),
      images: wrap(this.images),
      cloud: wrap(this.cloud),
      agents: this.#farmOf(wrap).agentsOf('fake-target'),
      machines: wrap(this.machines),
      keyPairs: onlyKeyPairs,
      quoteForShell: (text) => `'${text}'`,
      randomness: this.randomness,
      scriptEnvironment: { NODEPOOL_SSH_KEY: 'AAAA' },
    };
  }

  deleteDeps(task: Task = this.startProcess().task, wrap = this.wrap): DeleteDeps {
    return {
      ...this.#deps(task, wrap),
      cloud: wrap(this.cloud),
      agents: this.#farmOf(wrap).agentsOf('fake-target'),
      imageOf: ({ label }) => this.config.labels.find(({ name }) => name === label)?.image,
    };
  }

  #farmOf(wrap: Wrap): Farm {
    return {
      config: this.config,
      cloudOf: (provider) => (provider === this.cloud.name ? wrap(this.cloud) : undefined),
      agentsOf: (target) =>
        this.config.targets.some(({ name, jenkins }) => name === target && jenkins !== undefined)
          ? wrap(this.agents)
          : undefined,
    };
  }

  #deps(
    task: Task,
    wrap: Wrap,
  ): Omit<DeleteDeps, 'cloud' | 'agents' | 'imageOf' | 'metrics'> & { metrics: RecordingMetrics } {
    const { clock, log, metrics } = this;
    const stores = { nodes: wrap(this.nodes), history: wrap(this.history) };
    return { ...stores, metrics, clock, log, task, installationId: INSTALLATION };
  }

  /** What one daemon process remembers: nothing of the one before. */
  startProcess(): PoolProcess {
    const { log, clock, randomness, wrap } = this;
    const tasks = new TaskBoard(clock);
    const launches = new KeyedTasks('NodeLauncher', 100, { log, tasks });
    const deletions = new KeyedTasks('NodeDeleter', 100, { log, tasks });
    const breakers = new LaunchBreakers({ clock, randomness });
    const retries = new DeletionRetries({ clock, randomness });
    const complaints = new SharedComplaints({ clock, log });
    const sightings = new Sightings();
    const common = { farm: () => this.#farmOf(wrap), nodes: wrap(this.nodes), clock, log };
    const singleUse = new SingleUse({ ...common, closings: new KeyedTasks('NodeCloser', 100, { log, tasks }) });
    return {
      task: tasks.start('test'),
      tasks,
      launchPass: {
        ...common,
        ...{ launches, breakers, turns: new LaunchTurns(), history: wrap(this.history) },
        launchDeps: (_launch, _farm, task) => this.launchDeps(task, wrap),
      },
      registrationPass: {
        ...common,
        ...{ launches, complaints: new SharedComplaints({ clock, log }) },
        registerDeps: (_registration, _farm, task) => this.launchDeps(task, wrap),
      },
      deletionPass: {
        ...common,
        ...{ launches, deletions, retries, complaints, history: wrap(this.history) },
        deleteDeps: ({ provider }, _farm, task) =>
          provider === this.cloud.name ? this.deleteDeps(task, wrap) : undefined,
      },
      singleUse,
      holdPass: { ...common, eachTarget: new PartedPass('Taking held nodes out of jenkins of', { clock, log, tasks }) },
      reconcilePass: {
        ...common,
        singleUse,
        deleteDelayMs: () => this.config.deleteDelayMs,
        eachTarget: new PartedPass('Reconciliation with', { clock, log, tasks }),
        sightingsAt: () => sightings,
      },
    };
  }
}

export type PoolProcess = {
  readonly singleUse: SingleUse;
  readonly task: Task;
  readonly tasks: TaskBoard;
  readonly launchPass: LaunchPassDeps;
  readonly registrationPass: RegistrationPassDeps;
  readonly deletionPass: DeletionPassDeps;
  readonly reconcilePass: ReconcileDeps;
  readonly holdPass: HoldPassDeps;
};
