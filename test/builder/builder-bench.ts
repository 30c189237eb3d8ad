import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuilderDeps, builderWork, prepareBuilder } from '../../src/builder/builder.ts';
import type { Config, DiskImageConfig } from '../../src/config/config.ts';
import type { DiskImageMetrics } from '../../src/image/disk-image-metrics.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { aConfig, aProvider, aProviderImage } from '../builders/a-config.ts';
import { FakeCloud } from '../fakes/fake-cloud.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

/** Stands in for disk-image-create: runs the shell of `env-vars.BUILD`, with the formats in $types and the path in $out. */
const FAKE_DIB = `#!/bin/bash
words=("$@")
while [ $# -gt 0 ]; do
  case $1 in -t) types=\${2//,/ } ;; -o) out=$2 ;; esac
  shift
done
make() { for type; do echo "image of $type" >"$out.$type"; done; }
eval "$BUILD"
`;

export type BenchOptions = {
  readonly clock?: Clock;
  readonly leastFreeBytes?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly config?: Partial<Config>;
};

/** A disk image named trusty, whose "build" is the shell in `build`. */
export function aDiskImage(build: string, facts: Partial<DiskImageConfig> = {}): DiskImageConfig {
  const { envVars = {}, ...others } = facts;
  return {
    ...{ name: 'trusty', elements: ['ubuntu', 'node'], release: 'trusty', formats: [], pause: false },
    ...{ buildTimeoutMs: 60_000, envVars: { BUILD: build, ...envVars } },
    ...others,
  };
}

/** A builder with a folder of its own, a stand-in for disk-image-create in its PATH, and a cloud. */
export class BuilderBench implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'np-builder-'));
  readonly imagesDir = join(this.folder, 'images');
  readonly log = new WatchedLogger();
  readonly cloud = new FakeCloud();
  readonly counted: Parameters<DiskImageMetrics['diskImageBuilt']>[0][] = [];
  readonly deps: BuilderDeps;
  config: Config;

  constructor(diskimage: DiskImageConfig, options: BenchOptions = {}) {
    mkdirSync(join(this.folder, 'bin'));
    this.write('bin/disk-image-create', FAKE_DIB);
    chmodSync(join(this.folder, 'bin/disk-image-create'), 0o755);
    const image = aProviderImage({ diskimage: diskimage.name, meta: { os: 'linux' } });
    this.config = aConfig({ diskimages: [diskimage], providers: [aProvider({ images: [image] })], ...options.config });
    const { leastFreeBytes = 0, clock = systemClock, environment = {} } = options;
    this.deps = {
      ...{ clock, randomness: systemRandomness, log: this.log, host: 'builder-1', leastFreeBytes },
      imagesDir: this.imagesDir,
      config: () => this.config,
      cloudOf: (provider) => (provider === this.cloud.name ? this.cloud : undefined),
      environment: { ...process.env, PATH: `${join(this.folder, 'bin')}:${process.env['PATH'] ?? ''}`, ...environment },
      metrics: { diskImageBuilt: (build) => this.counted.push(build) },
    };
  }

  get work() {
    return builderWork(this.deps);
  }

  async prepare(): Promise<readonly number[]> {
    return await prepareBuilder(this.deps);
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** Puts a file of a finished build into the folder of the images. */
  addFile(name: string, text = 'an image'): void {
    mkdirSync(this.imagesDir, { recursive: true });
    writeFileSync(join(this.imagesDir, name), text);
  }

  /** What is in the folder of the images. */
  get files(): readonly string[] {
    return existsSync(this.imagesDir) ? readdirSync(this.imagesDir).sort() : [];
  }

  /** The lines of the build's output that were logged. */
  get output(): readonly string[] {
    return this.log.entries.filter(({ name }) => name === 'nodepool.image.build.trusty').map(({ message }) => message);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Tells when something was logged. Of a build nothing else is heard. */
class WatchedLogger extends RecordingLogger {
  readonly #watchers = new Set<() => void>();

  override child(name: string): RecordingLogger {
    return new Child(super.child(name), () => {
      for (const watcher of this.#watchers) watcher();
    });
  }

  /** Resolves as soon as `text` was logged. */
  untilLogged(text: string): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.entries.some(({ message }) => message.includes(text))) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }
}

class Child extends RecordingLogger {
  readonly #onInfo: () => void;

  constructor({ name, entries }: RecordingLogger, onInfo: () => void) {
    super(name, entries);
    this.#onInfo = onInfo;
  }

  override info(message: string, facts = {}): void {
    super.info(message, facts);
    this.#onInfo();
  }

  override child(name: string): RecordingLogger {
    return new Child(super.child(name), this.#onInfo);
  }
}
