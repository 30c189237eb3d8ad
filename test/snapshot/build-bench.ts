import { buildLogPlace } from '../../src/config/build-log-place.ts';
import type { Config } from '../../src/config/config.ts';
import type { ImageFailure } from '../../src/image/image-failures.ts';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import type { Build, BuildDeps } from '../../src/snapshot/build.ts';
import { buildSnapshot } from '../../src/snapshot/build-snapshot.ts';
import { type ImagePassDeps, runImagePass } from '../../src/snapshot/image-pass.ts';
import { ImageWork } from '../../src/snapshot/image-work.ts';
import { operatorKeypairs } from '../../src/snapshot/operator-keypairs.ts';
import { quoteForShell } from '../../src/ssh/quote-for-shell.ts';
import { configOf, firstImageOf } from '../builders/config-of.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeCloud, type FakeCloudOptions } from '../fakes/fake-cloud.ts';
import { HastyClock } from '../fakes/hasty-clock.ts';
import { MemoryImagePauseStore } from '../fakes/memory-image-pause-store.ts';
import { MemoryImageStore } from '../fakes/memory-image-store.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { onlyKeyPairs } from '../fakes/only-key-pairs.ts';
import { ScriptedMachines } from '../fakes/scripted-machines.ts';

export const INSTALLATION = '11111111-1111-4111-8111-111111111111';
export const BASE_IMAGE = { id: 'base-id', name: 'base', status: 'active', properties: {} };

/** One provider with one image, and everything that builds of it touch. Deadlines never pass; polls take no time. */
export class BuildBench {
  readonly clock = new HastyClock(60_000);
  readonly images: MemoryImageStore;
  readonly imagePauses: MemoryImagePauseStore;
  readonly cloud: FakeCloud;
  readonly machines = new ScriptedMachines();
  readonly log = new RecordingLogger();
  readonly output = new RecordingLogger('output');
  readonly work: ImageWork;
  readonly updated: { readonly provider: string; readonly image: string; readonly ms: number }[] = [];
  /** What an operator's hook would be told. */
  readonly failures: ImageFailure[] = [];
  readonly stop = new AbortController();
  config: Config;
  /** Whether the provider has a client. */
  isKnown = true;
  asksForMissing = true;
  environment: Readonly<Record<string, string>> = {};
  readonly #tasks = new TaskBoard(this.clock);
  readonly #randomness = new CountingRandomness();

  constructor(options: { readonly config?: Config; readonly cloud?: FakeCloudOptions } = {}) {
    this.config = options.config ?? configOf();
    this.images = new MemoryImageStore([], { clock: this.clock });
    this.imagePauses = new MemoryImagePauseStore(this.clock);
    this.cloud = new FakeCloud({ images: [BASE_IMAGE], ...options.cloud });
    this.work = new ImageWork({ clock: this.clock, randomness: this.#randomness, log: this.log, tasks: this.#tasks });
  }

  /** A row in state `building` as the scheduler makes it. */
  async insert(): Promise<SnapshotImage> {
    const version = Math.floor(this.clock.now().getTime() / 1000);
    const row = await this.images.insert({ provider: 'fake-provider', image: 'trusty', version }, CAUSE);
    if (row === undefined) throw new Error('One is being built already');
    return row;
  }

  build(row: SnapshotImage): Promise<void> {
    return this.buildWith(row, this.stop.signal);
  }

  buildWith(row: SnapshotImage, signal: AbortSignal): Promise<void> {
    return buildSnapshot(this.buildOf(row), this.deps(), signal);
  }

  buildOf(row: SnapshotImage): Build {
    const { scriptDir } = this.config;
    return { row, ...firstImageOf(this.config), scriptDir, buildLog: buildLogPlace(this.config) };
  }

  deps(): BuildDeps {
    return {
      ...{ images: this.images, cloud: this.cloud, machines: this.machines, quoteForShell },
      ...{ clock: this.clock, randomness: this.#randomness, log: this.log, outputLog: this.output },
      keyPairs: onlyKeyPairs,
      metrics: { imageUpdated: (image) => this.updated.push(image) },
      imageFailures: { tell: (failure) => this.failures.push(failure) },
      task: this.#tasks.start('build'),
      installationId: INSTALLATION,
      scriptEnvironment: this.environment,
      accountKeys: [{ kind: 'key-file', path: '/home/nodepool/.ssh/id_rsa' }],
      operatorKeypairs: operatorKeypairs(this.config.providers[0]),
    };
  }

  passDeps(): ImagePassDeps {
    const { clock, randomness, metrics, imageFailures } = this.deps();
    return {
      ...{ clock, randomness, metrics, imageFailures },
      images: this.images,
      imagePauses: this.imagePauses,
      config: () => this.config,
      cloudOf: () => (this.isKnown ? this.cloud : undefined),
      asksForMissing: this.asksForMissing,
      work: this.work,
      log: this.log,
      buildDeps: (_on, task) => ({ ...this.deps(), task }),
    };
  }

  /** One pass, without waiting for the work that it starts. */
  async startPass(): Promise<void> {
    await runImagePass(this.passDeps(), this.stop.signal);
  }

  /** One pass, and all that it starts. */
  async pass(): Promise<void> {
    await this.startPass();
    await this.work.settled();
  }

  /** The only row. */
  row(): SnapshotImage {
    const [row, ...others] = this.images.all();
    if (row === undefined || others.length > 0) throw new Error(`There are ${this.images.all().length} rows`);
    return row;
  }

  /** What is left in the cloud, the base image apart. */
  left(): { readonly servers: number; readonly keypairs: readonly string[]; readonly images: readonly string[] } {
    return {
      servers: this.cloud.servers.size,
      keypairs: [...this.cloud.keypairs.keys()],
      images: this.cloud.images
        .peekAll()
        .map(({ id }) => id)
        .filter((id) => id !== BASE_IMAGE.id),
    };
  }
}

const CAUSE = { who: 'test', why: 'A test wants it' };
