import type { Clock } from '../runtime/clock.ts';
import { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { RetryTimes } from '../runtime/retry-times.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { ToldOnce } from '../runtime/told-once.ts';

// Each task is a few promises; what bounds the work are the providers' gates and the machines' own limits.
const MAX_BUILDS = 200;
const MAX_REMOVALS = 200;
const RETRY = { firstMs: 1000, maxMs: 60_000 };

export type ImageWorkDeps = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly tasks: TaskBoard;
};

/** What image passes have under way and remember between them. Nothing here must survive a restart. */
export class ImageWork {
  /** By image id. */
  readonly builds: KeyedTasks;
  /** By image id; apart from builds, because a removal waits for the build that it ends. */
  readonly removals: KeyedTasks;
  /** Removals that failed, by image id. */
  readonly retries: RetryTimes<number>;
  /** Providers that are no longer configured, though images of theirs are to be deleted. */
  readonly unknownProviders = new ToldOnce();

  constructor(deps: ImageWorkDeps) {
    const { log, tasks } = deps;
    this.builds = new KeyedTasks('ImageUpdater', MAX_BUILDS, { log: log.child('ImageUpdater'), tasks });
    this.removals = new KeyedTasks('ImageDeleter', MAX_REMOVALS, { log: log.child('ImageDeleter'), tasks });
    this.retries = new RetryTimes(RETRY, deps);
  }

  get size(): number {
    return this.builds.size + this.removals.size;
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await Promise.all([this.builds.settled(), this.removals.settled()]);
  }
}
