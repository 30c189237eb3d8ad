import { type Clock, withDeadline } from './clock.ts';
import { QueueFullError } from './errors.ts';
import { joinSignals } from './join-signals.ts';
import { PriorityLine } from './priority-line.ts';
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
  /** Higher goes first, also before what has waited longer. Default 0. */
  readonly priority?: number;
};

/**
 * The queue before one peer: bounds pace, concurrency, length and time of the requests sent there. Who goes next is
 * chosen at the moment when both the pace and a free place allow a start, so that what is urgent never waits behind
 * what was only chosen early.
 */
export class RequestGate {
  readonly #options: RequestGateOptions;
  readonly #clock: Clock;
  readonly #tasks: TaskBoard;
  readonly #line = new PriorityLine();
  #running = 0;
  #nextStartMs = 0;
  /** Ends the wait for the pace; there while requests wait for nothing else. */
  #pause: AbortController | undefined;

  constructor(options: RequestGateOptions, deps: { readonly clock: Clock; readonly tasks: TaskBoard }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#tasks = deps.tasks;
  }

  /**
   * Runs `send` when it is its turn.
   * @throws {DeadlineExceededError} `send` took too long
   * @throws {QueueFullError} too many requests are waiting already
   */
  async run<T>(request: GatedRequest, signal: AbortSignal, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { name, maxQueued, deadlineMs } = this.#options;
    if (this.#line.size >= maxQueued) {
      throw new QueueFullError(`Cannot queue ${request.name} for ${name}: ${this.#line.size} requests wait already`);
    }
    using task = this.#tasks.start(`${name} ${request.name}`);
    task.waitOn('its turn');
    await this.#turn(request.priority ?? 0, signal);
    try {
      task.waitOn('the answer');
      const deadline = { what: `${request.name} of ${name}`, ms: deadlineMs };
      return await withDeadline(deadline, { clock: this.#clock, signal }, send);
    } finally {
      this.#running -= 1;
      this.#admit();
    }
  }

  /** Waits until the request may start; from then on it counts as running. */
  async #turn(priority: number, signal: AbortSignal): Promise<void> {
    using own = joinSignals(signal); // each waiting request listens to its signal, and many share one
    const admitted = this.#line.join(priority, own.signal);
    this.#admit();
    try {
      await admitted;
    } catch (error) {
      if (this.#line.size === 0) this.#pause?.abort();
      throw error;
    }
  }

  /** Starts as many as may start now. */
  #admit(): void {
    while (this.#pause === undefined && this.#line.size > 0 && this.#running < this.#options.concurrency) {
      const nowMs = this.#clock.monotonicMs();
      if (this.#nextStartMs - nowMs >= 1) {
        void this.#admitAfter(this.#nextStartMs - nowMs);
        return;
      }
      if (this.#options.minGapMs > NO_GAP_MS) {
        this.#nextStartMs = Math.max(nowMs, this.#nextStartMs) + this.#options.minGapMs;
      }
      this.#running += 1;
      this.#line.admitNext();
    }
  }

  async #admitAfter(ms: number): Promise<void> {
    const pause = new AbortController();
    this.#pause = pause;
    await this.#clock.sleep(ms, pause.signal).catch(() => undefined); // all who waited left
    this.#pause = undefined;
    this.#admit();
  }
}
