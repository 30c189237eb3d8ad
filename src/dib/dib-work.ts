/** Dib: images that builders make with diskimage-builder, and that go from there to the providers. */
import type { Clock } from '../runtime/clock.ts';
import { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { RetryTimes } from '../runtime/retry-times.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { ToldOnce } from '../runtime/told-once.ts';

// Each task is a promise that waits for a builder; what bounds the work are the builders' workers.
const MAX_BUILDS = 4;
const MAX_UPLOADS = 200;
const MAX_REMOVALS = 200;
const RETRY = { firstMs: 1000, maxMs: 60_000 };

export type DibWorkDeps = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly tasks: TaskBoard;
};

/** What passes over disk images have under way and remember between them. Nothing here must survive a restart. */
export class DibWork {
  /** By build; a lane for each disk image. */
  readonly builds: KeyedTasks;
  /** By upload; a lane for each provider. */
  readonly uploads: KeyedTasks;
  /** Of builds and of uploads; apart from these, because a removal waits for what it ends. */
  readonly removals: KeyedTasks;
  /** Removals that wait or failed, by the same keys. */
  readonly retries: RetryTimes<string>;
  /** Providers that are no longer configured, though images of theirs are to be deleted. */
  readonly unknownProviders = new ToldOnce();
  #mayHaveRows = true;

  constructor(deps: DibWorkDeps) {
    const { log, tasks } = deps;
    const updater = { log: log.child('ImageUpdater'), tasks };
    this.builds = new KeyedTasks('DiskImageBuilder', MAX_BUILDS, updater);
    this.uploads = new KeyedTasks('DiskImageUploader', MAX_UPLOADS, updater);
    this.removals = new KeyedTasks('DiskImageDeleter', MAX_REMOVALS, { log: log.child('ImageDeleter'), tasks });
    this.retries = new RetryTimes(RETRY, deps);
  }

  get size(): number {
    return this.builds.size + this.uploads.size + this.removals.size;
  }

  /** Whether the last look at the tables found something, or there may be something since. */
  get mayHaveRows(): boolean {
    return this.#mayHaveRows;
  }

  noteRows(exist: boolean): void {
    this.#mayHaveRows = exist;
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await Promise.all([this.builds.settled(), this.uploads.settled(), this.removals.settled()]);
  }
}
