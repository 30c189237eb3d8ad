import type { TaskBoard } from '../../src/runtime/task-board.ts';
import type { Clock } from '../../src/runtime/clock.ts';

/** How long each control loop's pass has been under way at most, as the task board shows it. */
export class LoopWatch {
  /** By loop. */
  readonly longestMs = new Map<string, number>();
  /** Most tasks at once. */
  mostTasks = 0;
  readonly #tasks: TaskBoard;
  readonly #clock: Clock;

  constructor(tasks: TaskBoard, clock: Clock) {
    this.#tasks = tasks;
    this.#clock = clock;
  }

  look(): void {
    const tasks = this.#tasks.list();
    this.mostTasks = Math.max(this.mostTasks, tasks.length);
    for (const { name, waitsOn, waitsSince } of tasks) {
      if (!name.startsWith('Loop ') || waitsOn !== 'its pass') continue;
      const ageMs = this.#clock.now().getTime() - waitsSince.getTime();
      this.longestMs.set(name, Math.max(ageMs, this.longestMs.get(name) ?? 0));
    }
  }

  forget(): void {
    this.longestMs.clear();
    this.mostTasks = 0;
  }

  /** Loops whose pass took longer. */
  slowerThan(ms: number): readonly string[] {
    return [...this.longestMs]
      .filter(([, longestMs]) => longestMs > ms)
      .map(([name, each]) => `${name}: ${each / 1000} s`);
  }
}
