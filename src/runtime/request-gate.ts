import PQueue from 'p-queue';
import { type Clock, withDeadline } from './clock.ts';
import { joinSignals } from './join-signals.ts';
import type { TaskBoard } from './task-board.ts';

/** Upstream's way to say "no limit" is a rate of 0.001 s; a timer for each call would be a limit. */
const NO_GAP_MS = 1;

export type RequestGateOptions = {
  /** Shown on the task board, e.g. `provider wmf`. */
  readonly name: string;
  /** Least time between the starts of two requests (upstream: `rate`). */
  readonly minGapMs: number;
  /** Most requests under way at once. */
  readonly concurrency: number;
  /** Longest time for one request, from its start. Waiting in the queue does not count. */
  readonly deadlineMs: number;
  /** Most requests waiting; one more is refused. */
  readonly maxQueued: number;
};

export type GatedRequest = {
  /** Names the request on the task board and in errors, e.g. `ServerCreate`. */
  readonly name: string;
  /** Higher goes first. Default 0. */
  readonly priority?: number;
};

/** The queue before one peer: bounds pace, concurrency, length and time of the requests sent there. */
export class RequestGate {
  readonly #options: RequestGateOptions;
  readonly #clock: Clock;
  readonly #tasks: TaskBoard;
  readonly #queue: PQueue;
  #nextStartMs = 0;

  constructor(options: RequestGateOptions, deps: { readonly clock: Clock; readonly tasks: TaskBoard }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#tasks = deps.tasks;
    this.#queue = new PQueue({ concurrency: options.concurrency });
  }

  /**
   * Runs `send` when it is its turn.
   * @throws {DeadlineExceededError} `send` took too long
   * @throws {Error} too many requests are waiting already
   */
  async run<T>(request: GatedRequest, signal: AbortSignal, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#queue.size >= this.#options.maxQueued) {
      throw new Error(
        `Cannot queue ${request.name} for ${this.#options.name}: ${this.#queue.size} requests wait already`,
      );
    }
    using task = this.#tasks.start(`${this.#options.name} ${request.name}`);
    task.waitOn('its turn');
    using own = joinSignals(signal); // each waiting request listens to its signal, and many share one
    return await this.#queue.add(
      async () => {
        await this.#keepPace(signal);
        task.waitOn('the answer');
        const deadline = { what: `${request.name} of ${this.#options.name}`, ms: this.#options.deadlineMs };
        return await withDeadline(deadline, { clock: this.#clock, signal }, send);
      },
      { priority: request.priority ?? 0, signal: own.signal },
    );
  }

  async #keepPace(signal: AbortSignal): Promise<void> {
    if (this.#options.minGapMs <= NO_GAP_MS) return;
    const nowMs = this.#clock.monotonicMs();
    const startMs = Math.max(nowMs, this.#nextStartMs);
    this.#nextStartMs = startMs + this.#options.minGapMs;
    if (startMs - nowMs >= 1) await this.#clock.sleep(startMs - nowMs, signal);
  }
}
