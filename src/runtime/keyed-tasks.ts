import PQueue from 'p-queue';
import { isAbort } from './errors.ts';
import { joinSignals } from './join-signals.ts';
import type { Logger } from './logger.ts';
import type { Task, TaskBoard } from './task-board.ts';

export type KeyedTasksDeps = {
  readonly log: Logger;
  readonly tasks: TaskBoard;
};

type Work = (task: Task, signal: AbortSignal) => Promise<void>;

/** A task's name, and what it waits for. */
export type TaskKey = {
  readonly key: string;
  /** The peers that it works with, e.g. a provider's name: tasks whose peers hang fill their own lane only. */
  readonly lane: string;
};

/** A task that waits for its turn or runs. */
type Entry = { readonly stop: AbortController; readonly signal: AbortSignal; running: boolean; done: Promise<void> };

/**
 * Runs at most one task per key, and at most `concurrency` at once in each lane: a loop may call `start` for the same row
 * on every pass. A task that throws is logged and forgotten, so that the next pass may start it again.
 */
export class KeyedTasks {
  readonly #name: string;
  readonly #deps: KeyedTasksDeps;
  readonly #concurrency: number;
  /** By lane; one without tasks is forgotten. */
  readonly #lanes = new Map<string, PQueue>();
  readonly #entries = new Map<string, Entry>();

  constructor(name: string, concurrency: number, deps: KeyedTasksDeps) {
    this.#name = name;
    this.#deps = deps;
    this.#concurrency = concurrency;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Starts `work` unless a task with that key waits or runs; tells whether it did. The work may begin much later, when
   * others end: it must read anew what the caller has seen.
   */
  start({ key, lane }: TaskKey, signal: AbortSignal, work: Work): boolean {
    if (this.#entries.has(key) || signal.aborted) return false;
    const entry: Entry = { stop: new AbortController(), signal, running: false, done: Promise.resolve() };
    this.#entries.set(key, entry);
    const queue = this.#laneOf(lane);
    entry.done = queue
      .add(() => this.#run(key, entry, work))
      .finally(() => {
        this.#forget(key, entry);
        if (queue.size === 0 && queue.pending === 0) this.#lanes.delete(lane);
      });
    return true;
  }

  /** Aborts the task with that key and waits for its end; does nothing if there is none. */
  async stop(key: string, reason: Error): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.stop.abort(reason);
    if (entry.running) await entry.done;
    else this.#forget(key, entry); // it would only wait for its turn to end at once
  }

  /** Resolves when no task waits or runs. */
  async settled(): Promise<void> {
    while (this.#entries.size > 0) await Promise.all([...this.#entries.values()].map((entry) => entry.done));
  }

  #laneOf(name: string): PQueue {
    const lane = this.#lanes.get(name) ?? new PQueue({ concurrency: this.#concurrency });
    this.#lanes.set(name, lane);
    return lane;
  }

  /** A task that was stopped before its turn may have a successor of the same key already. */
  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  async #run(key: string, entry: Entry, work: Work): Promise<void> {
    using joined = joinSignals(entry.signal, entry.stop.signal);
    const { signal } = joined;
    if (signal.aborted) return;
    entry.running = true;
    using task = this.#deps.tasks.start(`${this.#name} ${key}`);
    try {
      await work(task, signal);
    } catch (error) {
      if (!isAbort(error, signal)) this.#deps.log.error(`${this.#name} ${key} failed`, { error });
    }
  }
}
