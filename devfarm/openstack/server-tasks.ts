import { isAbort } from '../../src/runtime/errors.ts';
import type { Logger } from '../../src/runtime/logger.ts';

type Task = {
  readonly name: string;
  readonly controller: AbortController;
  readonly done: Promise<void>;
};

/** What goes on in the background, at most one task per server. */
export class ServerTasks {
  readonly #tasks = new Map<string, Task>();
  readonly #log: Logger;
  #isClosed = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The name of the server's task. */
  nameOf(serverId: string): string | undefined {
    return this.#tasks.get(serverId)?.name;
  }

  /** Starts a task. It aborts the one before, and begins when that has ended. */
  begin(serverId: string, name: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#isClosed) return;
    const before = this.#tasks.get(serverId);
    before?.controller.abort();
    const controller = new AbortController();
    const done = this.#run({ before, work, what: `${name} ${serverId}` }, controller.signal).finally(() => {
      if (this.#tasks.get(serverId)?.controller === controller) this.#tasks.delete(serverId);
    });
    this.#tasks.set(serverId, { name, controller, done });
  }

  /** Aborts all and waits for their ends. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const tasks = [...this.#tasks.values()];
    for (const { controller } of tasks) controller.abort();
    await Promise.all(tasks.map(({ done }) => done));
  }

  async #run(
    task: {
      readonly before: Task | undefined;
      readonly work: (signal: AbortSignal) => Promise<void>;
      readonly what: string;
    },
    signal: AbortSignal,
  ): Promise<void> {
    if (task.before !== undefined) await task.before.done;
    if (signal.aborted) return;
    try {
      await task.work(signal);
    } catch (error) {
      if (!isAbort(error, signal)) this.#log.error('Server task failed', { task: task.what, error });
    }
  }
}
