import { type Task, TaskBoard, type TaskView } from '../../src/runtime/task-board.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

/** What clients, workers and sources of these tests are built with. */
export class GearmanBench {
  readonly clock = new FakeClock();
  readonly log = new RecordingLogger();
  readonly randomness = new CountingRandomness();
  readonly tasks = new WatchedTaskBoard(this.clock);

  /** Resolves with what some task waits on, as soon as that matches. */
  async untilWaitingOn(what: RegExp): Promise<string> {
    const matches = (task: TaskView): boolean => what.test(task.waitsOn ?? '');
    await this.tasks.until((tasks) => tasks.some(matches));
    return this.tasks.list().find(matches)?.waitsOn ?? '';
  }

  /** Resolves as soon as no task has such a name. */
  async untilOver(name: string): Promise<void> {
    await this.tasks.until((tasks) => !tasks.some((task) => task.name === name));
  }
}

class WatchedTaskBoard extends TaskBoard {
  readonly #watchers = new Set<() => void>();

  override start(name: string): Task {
    const task = super.start(name);
    return {
      waitOn: (what) => {
        task.waitOn(what);
        this.#notify();
      },
      [Symbol.dispose]: () => {
        task[Symbol.dispose]();
        this.#notify();
      },
    };
  }

  until(isSo: (tasks: readonly TaskView[]) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isSo(this.list())) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  #notify(): void {
    for (const look of this.#watchers) look();
  }
}
