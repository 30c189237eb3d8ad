import type { Clock } from './clock.ts';

/** What one task of the process is doing; shown by SIGUSR2. */
export type TaskView = {
  readonly id: number;
  /** e.g. `NodeLauncher node 12`. */
  readonly name: string;
  readonly startedAt: Date;
  /** The thing it waits on, e.g. `ssh of 127.77.0.2`; undefined while it computes. */
  readonly waitsOn: string | undefined;
  readonly waitsSince: Date;
};

/** A handle to one running task: tells the board what it waits on. Disposing ends it. */
export interface Task extends Disposable {
  waitOn(what: string | undefined): void;
}

/** The list of all that this process has under way, so that an operator can ask what it waits on. */
export class TaskBoard {
  readonly #clock: Clock;
  readonly #tasks = new Map<number, TaskView>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Puts a task on the board until the handle is disposed: `using task = board.start('…')`. */
  start(name: string): Task {
    this.#lastId += 1;
    const id = this.#lastId;
    const startedAt = this.#clock.now();
    this.#tasks.set(id, { id, name, startedAt, waitsOn: undefined, waitsSince: startedAt });
    return {
      waitOn: (waitsOn) => {
        if (!this.#tasks.has(id)) return; // it ended: a late word must not bring it back
        this.#tasks.set(id, { id, name, startedAt, waitsOn, waitsSince: this.#clock.now() });
      },
      [Symbol.dispose]: () => {
        this.#tasks.delete(id);
      },
    };
  }

  /** All tasks, oldest first. */
  list(): readonly TaskView[] {
    return [...this.#tasks.values()].sort((a, b) => a.id - b.id);
  }
}
