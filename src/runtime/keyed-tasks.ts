import PQueue from 'p-queue';
import { isAbort } from './errors.ts';
import type { Logger } from './logger.ts';
import type { Task, TaskBoard } from './task-board.ts';

export type KeyedTasksDeps = {
  readonly log: Logger;
  readonly tasks: TaskBoard;
};

type Entry = { readonly stop: AbortController; readonly done: Promise<void> };

/**
 * Runs at most one task per key, and at most `concurrency` at once: a loop may call `start` for the same row on every
 * pass. A task that throws is logged and forgotten, so that the next pass may start it again.
 */
export class KeyedTasks {
  readonly #name: string;
  readonly #deps: KeyedTasksDeps;
  readonly #queue: PQueue;
  readonly #entries = new Map<string, Entry>();

  constructor(name: string, concurrency: number, deps: KeyedTasksDeps) {
    this.#name = name;
    this.#deps = deps;
    this.#queue = new PQueue({ concurrency });
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Starts `work` unless a task with that key waits or runs; tells whether it did. */
  start(key: string, signal: AbortSignal, work: (task: Task, signal: AbortSignal) => Promise<void>): boolean {
    if (this.#entries.has(key) || signal.aborted) return false;
    const stop = new AbortController();
    const inner = AbortSignal.any([signal, stop.signal]);
    const done = this.#queue
      .add(() => this.#run(key, inner, work))
      .finally(() => {
        this.#entries.delete(key);
      });
    this.#entries.set(key, { stop, done });
    return true;
  }

  /** Aborts the task with that key and waits for its end; does nothing if there is none. */
  async stop(key: string, reason: Error): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.stop.abort(reason);
    await entry.done;
  }

  /** Resolves when no task waits or runs. */
  async settled(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => entry.done));
  }

  async #run(
    key: string,
    signal: AbortSignal,
    work: (task: Task, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    if (signal.aborted) return;
    using task = this.#deps.tasks.start(`${this.#name} ${key}`);
    try {
      await work(task, signal);
    } catch (error) {
      if (!isAbort(error, signal)) this.#deps.log.error(`${this.#name} ${key} failed`, { error });
    }
  }
}
