import { join } from 'node:path';
import { BenchDaemon } from '../../bench/rig/bench-daemon.ts';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { openDatabase } from '../../src/db/database.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import type { Secret } from '../../src/runtime/secret.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import type { RecipeFarm } from './recipe-farm.ts';

const ROLES = { launches: true, deletes: true, images: true };

/** The assembled daemon in this process, with the farm's files and peers; machines take every login. Dispose of it. */
export class DaemonHere implements AsyncDisposable {
  readonly log: RecordingLogger;
  readonly #farm: RecipeFarm;
  readonly #daemon: BenchDaemon;
  readonly #close: () => Promise<void>;

  private constructor(farm: RecipeFarm, parts: { daemon: BenchDaemon; log: RecordingLogger; close(): Promise<void> }) {
    this.#farm = farm;
    this.log = parts.log;
    this.#daemon = parts.daemon;
    this.#close = () => parts.close();
  }

  /** @param url of another database than the farm's */
  static async start(farm: RecipeFarm, url: Secret = farm.database.url): Promise<DaemonHere> {
    const log = new RecordingLogger();
    const deps = { clock: systemClock, randomness: systemRandomness, log, tasks: new TaskBoard(systemClock) };
    const database = await openDatabase({ url, program: 'nodepoold' }, deps, neverAborted);
    const daemon = new BenchDaemon(configIn(farm), database, { ...deps, roles: ROLES });
    return new DaemonHere(farm, { daemon, log, close: () => database.close() });
  }

  /** Takes the changed nodepool.yaml, as after SIGHUP. */
  reload(): void {
    this.#daemon.use(configIn(this.#farm));
    this.#daemon.daemon.wakeAllImages();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
    await this.#close();
  }
}

function configIn(farm: RecipeFarm): Config {
  const [yaml, secure] = ['nodepool.yaml', 'secure.conf'].map((name) => ({
    path: join(farm.folder, name),
    text: farm.read(name),
  }));
  const { config, faults } = parseConfig({ yaml: yaml ?? { path: '', text: '' }, secure, environment: {} });
  if (config === undefined) throw new Error(faults.map(({ message }) => message).join('\n'));
  return config;
}
