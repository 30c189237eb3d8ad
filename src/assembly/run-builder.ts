import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { builderWork, prepareBuilder } from '../builder/builder.ts';
import type { Config, ProviderConfig } from '../config/config.ts';
import { BuilderWorker } from '../gearman/builder-worker.ts';
import { placeOfFiles } from '../image/builder-jobs.ts';
import type { DiskImageMetrics } from '../image/disk-image-metrics.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { Clock } from '../runtime/clock.ts';
import { runControlLoop } from '../runtime/control-loop.ts';
import { formatSeconds } from '../runtime/format-seconds.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import type { Wakeup } from '../runtime/wakeup.ts';
import { ClientSet } from './client-set.ts';
import { openCloud } from './clients.ts';

/** Between two looks whether there is another configuration: an object compared, no file read. */
const FOLLOW_MS = 2_000;

export type BuilderRun = {
  /** The configuration in force, the same object until it changes. */
  readonly config: () => Config;
  /** Wakes the builder when that is another one. */
  readonly reload?: Wakeup;
  /** How many builds may run at once (`--build-workers`). */
  readonly buildWorkers: number;
  /** How many uploads and deletions (`--upload-workers`). */
  readonly uploadWorkers: number;
  /** How long the work at hand may go on when the builder is stopped. */
  readonly drainMs: number;
  /** True: what hinders the start is thrown. False: it is logged, and tried again. */
  readonly isAlone: boolean;
  /** Called once the builder offers its work. */
  readonly onRunning?: () => void;
};

export type BuilderRunDeps = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** `nodepool`. */
  readonly log: Logger;
  readonly tasks: TaskBoard;
  readonly metrics: DiskImageMetrics;
  readonly onCloudCall: (provider: string, name: string, ms: number) => void;
  /** Of this process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** Why no builder can run with this configuration; undefined: it can. */
export function builderFault({ imagesDir, gearmanServers }: Config): string | undefined {
  if (imagesDir === undefined) return 'The builder needs "images-dir", where it keeps the images';
  if (gearmanServers.length === 0) return 'The builder needs "gearman-servers", from which its work comes';
  return undefined;
}

/**
 * Runs an image builder until stopped: in the daemon, or alone. While the configuration allows none, it waits for another one.
 * @throws {Error} only where it is alone: it cannot start
 */
export async function runBuilder(run: BuilderRun, deps: BuilderRunDeps, signal: AbortSignal): Promise<void> {
  const builder = new ImageBuilder(run, deps);
  try {
    if (run.isAlone) await builder.follow();
    const loop = {
      name: 'builder',
      intervalMs: FOLLOW_MS,
      ...(run.reload === undefined ? {} : { wakeup: run.reload }),
      pass: () => builder.follow(),
    };
    await runControlLoop(loop, { ...deps, log: deps.log.child('builder') }, signal);
  } finally {
    await builder.end();
  }
}

/** The builder with its connections, which follow the configuration. */
class ImageBuilder {
  readonly #run: BuilderRun;
  readonly #deps: BuilderRunDeps;
  readonly #clouds: ClientSet<ProviderConfig, CloudProvider>;
  #worker: BuilderWorker | undefined;
  #imagesDir: string | undefined;
  #config: Config | undefined;

  constructor(run: BuilderRun, deps: BuilderRunDeps) {
    this.#run = run;
    this.#deps = deps;
    this.#clouds = new ClientSet('provider', (section) => openCloud(section, deps), {
      ...deps,
      whatCounts: whatUploadsNeed,
    });
  }

  /**
   * Goes over to the configuration in force.
   * @throws {Error} the folder of the images cannot be used
   */
  async follow(): Promise<void> {
    const config = this.#run.config();
    if (config === this.#config) return;
    const fault = builderFault(config);
    if (fault === undefined) await this.#use(config);
    else if (this.#worker !== undefined) this.#deps.log.child('builder').warn(`${fault}; it goes on as before`);
    else if (this.#run.isAlone) throw new Error(fault);
    else if (config.diskimages.length > 0) this.#deps.log.child('builder').info(`There is no builder here: ${fault}`);
    this.#config = config;
  }

  /** Takes no more jobs, gives those at hand some time, and leaves the rest to others. */
  async end(): Promise<void> {
    const worker = this.#worker;
    if (worker !== undefined) {
      const { drainMs } = this.#run;
      if (worker.busy > 0)
        this.#deps.log.child('builder').info(`Waiting ${formatSeconds(drainMs)} for ${worker.busy} jobs at hand`);
      const done = new AbortController();
      const patience = this.#deps.clock.sleep(drainMs, done.signal).catch(() => undefined); // drained before
      await Promise.race([worker.drain(), patience]);
      done.abort();
      await worker.close();
    }
    await this.#clouds[Symbol.asyncDispose]();
  }

  async #use(config: Config): Promise<void> {
    this.#clouds.use(config.providers);
    this.#clouds.releaseUnused(new Set());
    this.#worker ??= await this.#open(config);
    this.#worker.setServers(config.gearmanServers);
    this.#worker.offerDiskImages(config.diskimages.map(({ name }) => name));
    if (config.imagesDir !== this.#imagesDir) {
      this.#deps.log.child('builder').warn('Another "images-dir" takes effect when the builder is restarted');
    }
  }

  async #open({ imagesDir: configured = '', gearmanServers }: Config): Promise<BuilderWorker> {
    const { log } = this.#deps;
    const imagesDir = resolve(configured); // its paths are told to others
    const deps = {
      ...this.#deps,
      imagesDir,
      config: this.#run.config,
      cloudOf: (provider: string) => this.#clouds.find(provider)?.client,
      host: hostname(),
    };
    const ids = await prepareBuilder(deps);
    const { buildWorkers, uploadWorkers } = this.#run;
    const worker = new BuilderWorker(
      { servers: gearmanServers, buildWorkers, uploadWorkers },
      { ...deps, log: log.child('builder'), work: builderWork(deps) },
    );
    for (const id of ids) worker.offerFiles(id);
    worker.offerPlace(placeOfFiles({ builder: deps.host, imagesDir }));
    this.#imagesDir = configured;
    log.child('builder').info('The image builder is running', { imagesDir, builds: ids.length });
    this.#run.onRunning?.();
    return worker;
  }
}

/** Of a provider: else a change of `max-servers` would cut off its uploads. */
function whatUploadsNeed({ cloud, apiTimeoutMs, minRequestGapMs }: ProviderConfig): unknown {
  return { cloud, apiTimeoutMs, minRequestGapMs };
}
