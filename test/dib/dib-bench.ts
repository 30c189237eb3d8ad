import type { Config } from '../../src/config/config.ts';
import type { DibPassDeps } from '../../src/dib/dib-pass-deps.ts';
import { runDibPass } from '../../src/dib/dib-pass.ts';
import { DibWork } from '../../src/dib/dib-work.ts';
import { shareOffers } from '../../src/dib/shared-offers.ts';
import type { BuilderJobs } from '../../src/image/builder-jobs.ts';
import type { DibImage } from '../../src/image/dib-image.ts';
import type { ImageFailure } from '../../src/image/image-failures.ts';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { anImageSection, aProviderSection, configOf } from '../builders/config-of.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeBuilderJobs } from '../fakes/fake-builder-jobs.ts';
import { FakeCloud } from '../fakes/fake-cloud.ts';
import { HastyClock } from '../fakes/hasty-clock.ts';
import { MemoryDibImageStore } from '../fakes/memory-dib-image-store.ts';
import { MemoryImagePauseStore } from '../fakes/memory-image-pause-store.ts';
import { MemoryImageStore } from '../fakes/memory-image-store.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

export const INSTALLATION = '11111111-1111-4111-8111-111111111111';

/** Image `trusty` of `fake-provider`, built as `dib-trusty`; `disk` and `image` are keys of the two sections. */
export function dibConfig(disk: object = {}, image: object = {}): Config {
  return configOf({
    'images-dir': '/images',
    diskimages: [{ name: 'dib-trusty', ...disk }],
    providers: [aProviderSection({ images: [dibSection(image)] })],
  });
}

export function dibSection(keys: object = {}): Readonly<Record<string, unknown>> {
  return anImageSection({ 'base-image': undefined, setup: undefined, diskimage: 'dib-trusty', ...keys });
}

/** One provider with one disk image, and everything that passes touch. Deadlines of a minute or more never pass. */
export class DibBench {
  readonly clock = new HastyClock(60_000);
  readonly images = new MemoryImageStore([], { clock: this.clock });
  readonly builds = new MemoryDibImageStore([], { clock: this.clock, history: this.images.history });
  readonly imagePauses = new MemoryImagePauseStore(this.clock);
  readonly cloud = new FakeCloud();
  readonly log = new RecordingLogger();
  readonly builders = new FakeBuilderJobs(['dib-trusty'], [this.cloud]);
  readonly updated: { readonly provider: string; readonly image: string; readonly ms: number }[] = [];
  /** What an operator's hook would be told. */
  readonly failures: ImageFailure[] = [];
  config: Config;
  /** What the daemon speaks to, `builders` unless a test puts something else here. */
  jobs: BuilderJobs = this.builders;
  asksForMissing = true;
  isKnown = true;
  work: DibWork;
  #stop = new AbortController();
  readonly #randomness = new CountingRandomness();
  readonly #tasks = new TaskBoard(this.clock);

  constructor(config: Config = dibConfig()) {
    this.config = config;
    this.work = this.#newWork();
  }

  deps(): DibPassDeps {
    const { clock, images, imagePauses, log, work, asksForMissing } = this;
    return {
      ...{ clock, images, imagePauses, log, work, asksForMissing, installationId: INSTALLATION },
      ...{ dibImages: this.builds, randomness: this.#randomness, config: () => this.config },
      jobs: shareOffers(this.jobs, clock),
      cloudOf: () => (this.isKnown ? this.cloud : undefined),
      metrics: { imageUpdated: (image) => this.updated.push(image) },
      imageFailures: { tell: (failure) => this.failures.push(failure) },
    };
  }

  /** One pass, without waiting for the work that it starts. */
  async startPass(): Promise<void> {
    await runDibPass(this.deps(), this.#stop.signal);
  }

  /** One pass, and all that it starts. */
  async pass(): Promise<void> {
    await this.startPass();
    await this.work.settled();
  }

  /** Passes until nothing changes any more, as the daemon's wake-ups do it. */
  async passes(count = 3): Promise<void> {
    for (let n = 0; n < count; n += 1) await this.pass();
  }

  /** The daemon is killed, and another one begins with nothing but the tables. */
  async restart(): Promise<void> {
    this.#stop.abort(new Error('Killed'));
    await this.work.settled();
    this.#stop = new AbortController();
    this.work = this.#newWork();
  }

  /** The only build. */
  build(): DibImage {
    return only(this.builds.all());
  }

  /** The only upload. */
  upload(): SnapshotImage {
    return only(this.images.all());
  }

  /** Ids of what is in the cloud. */
  left(): readonly string[] {
    return this.cloud.images.peekAll().map(({ id }) => id);
  }

  #newWork(): DibWork {
    const { clock, log } = this;
    return new DibWork({ clock, log, randomness: this.#randomness, tasks: this.#tasks });
  }
}

function only<Row>(rows: readonly Row[]): Row {
  const [row, ...others] = rows;
  if (row === undefined || others.length > 0) throw new Error(`There are ${rows.length} rows`);
  return row;
}
