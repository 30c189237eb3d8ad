import { withDeadline } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { assertClientId, assertFunctionName, assertUniqueId } from './gearman-names.ts';
import { type GearmanServer, serverName } from './gearman-server.ts';
import { type JobOutcome, type JobProgress, type Submission, type SubmitDeps, SubmittedJob } from './submitted-job.ts';

/** Most jobs of one client under way at once: each has a connection. */
const MAX_JOBS = 1_000;
/** A server that could not take a job is asked last for this long: waiting for it delays every job. */
const AVOID_MS = 30_000;

export type JobRequest = {
  /** 1 to 512 bytes without NUL, TAB, CR, LF; blanks are allowed. */
  readonly function: string;
  readonly data: string | Uint8Array;
  /** Longest time from now to the job's end. Without it a job whose worker died can wait for ever at gearmand. */
  readonly deadlineMs: number;
  /**
   * Up to 63 bytes. Default: 32 fresh hex digits. The same id twice is one job at a gearmand: whoever asks again with it, also in
   * another process, begins at the same server.
   */
  readonly unique?: string;
  /** Default `normal`. */
  readonly priority?: 'high' | 'normal' | 'low';
  /** Called while the worker works. */
  readonly onProgress?: (progress: JobProgress) => void;
};

export type GearmanClientOptions = {
  readonly servers: readonly GearmanServer[];
  /** Shown by `workers` (upstream: `nodepool`). */
  readonly clientId: string;
};

export type GearmanClientDeps = SubmitDeps & {
  readonly randomness: Randomness;
  readonly tasks: TaskBoard;
};

/** Submits foreground jobs to several servers in turn. */
export class GearmanClient {
  readonly #clientId: string;
  readonly #deps: GearmanClientDeps;
  readonly #closed = new AbortController();
  readonly #running = new Set<Promise<JobOutcome>>();
  readonly #failedAtMs = new Map<string, number>();
  #servers: readonly GearmanServer[];
  #turn = -1;

  constructor(options: GearmanClientOptions, deps: GearmanClientDeps) {
    assertClientId(options.clientId);
    this.#clientId = options.clientId;
    this.#servers = options.servers;
    this.#deps = deps;
  }

  /** For jobs submitted from now on; jobs under way stay where they are. */
  setServers(servers: readonly GearmanServer[]): void {
    this.#servers = servers;
  }

  /**
   * Runs a job and resolves with its outcome, whatever that is. The job may run twice: gearmand gives it to another
   * worker when the first dies. Aborting `signal` leaves the job: it is dropped if no worker has it yet.
   * @throws {DeadlineExceededError} the job was not over in time
   * @throws {RangeError} function name or unique id is not allowed
   * @throws {Error} no server took the job, or too many are under way
   */
  async submit(request: JobRequest, signal: AbortSignal): Promise<JobOutcome> {
    this.#closed.signal.throwIfAborted();
    if (this.#running.size >= MAX_JOBS) {
      throw new Error(`Cannot submit "${request.function}": ${this.#running.size} jobs are under way already`);
    }
    using until = joinSignals(signal, this.#closed.signal);
    const servers = this.#inTurn(request.unique === undefined ? (this.#turn += 1) : sumOfBytes(request.unique));
    const running = this.#run(this.#submission(request), {
      ...{ servers, deadlineMs: request.deadlineMs },
      signal: until.signal,
    });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Leaves the jobs under way, which makes their `submit` throw, and refuses new ones. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('Gearman client is closed'));
    await Promise.allSettled(this.#running);
  }

  #submission(request: JobRequest): Submission {
    const unique = request.unique ?? this.#deps.randomness.hex(16);
    assertFunctionName(request.function);
    assertUniqueId(unique);
    return {
      clientId: this.#clientId,
      function: request.function,
      unique,
      data: request.data,
      priority: request.priority ?? 'normal',
      onProgress: request.onProgress ?? ((): void => undefined),
    };
  }

  async #run(submission: Submission, limits: Limits): Promise<JobOutcome> {
    using task = this.#deps.tasks.start(`Gearman job ${submission.function}`);
    const deadline = { what: `Gearman job "${submission.function}" to end`, ms: limits.deadlineMs };
    return await withDeadline(deadline, { clock: this.#deps.clock, signal: limits.signal }, async (signal) => {
      task.waitOn('a Gearman server to accept it');
      const job = await this.#submitToOne(submission, limits.servers, signal);
      task.waitOn('its worker');
      const outcome = await job.outcome();
      void job.close(); // bounded by itself; the outcome is known and need not wait for it
      return outcome;
    });
  }

  async #submitToOne(
    submission: Submission,
    servers: readonly GearmanServer[],
    signal: AbortSignal,
  ): Promise<SubmittedJob> {
    const failures: string[] = [];
    for (const server of servers) {
      const name = serverName(server);
      try {
        const job = await SubmittedJob.submit({ server, submission }, this.#deps, signal);
        this.#failedAtMs.delete(name);
        return job;
      } catch (error) {
        signal.throwIfAborted();
        this.#failedAtMs.set(name, this.#deps.clock.monotonicMs());
        failures.push(describeError(error));
        this.#deps.log.warn('Gearman server did not take a job', { server: name, job: submission.function, error });
      }
    }
    const why = failures.length === 0 ? 'no server is configured' : failures.join('; ');
    throw new Error(`Cannot submit "${submission.function}" to any Gearman server: ${why}`);
  }

  /** All servers, beginning with the one whose turn it is; those that failed lately come last. */
  #inTurn(turn: number): readonly GearmanServer[] {
    const first = this.#servers.length === 0 ? 0 : turn % this.#servers.length;
    const inTurn = [...this.#servers.slice(first), ...this.#servers.slice(0, first)];
    const failedLately = (server: GearmanServer): boolean =>
      this.#deps.clock.monotonicMs() - (this.#failedAtMs.get(serverName(server)) ?? -Infinity) < AVOID_MS;
    return [...inTurn.filter((server) => !failedLately(server)), ...inTurn.filter(failedLately)];
  }
}

type Limits = { readonly servers: readonly GearmanServer[]; readonly deadlineMs: number; readonly signal: AbortSignal };

/** The same for the same text in every process. */
function sumOfBytes(text: string): number {
  return Buffer.from(text).reduce((sum, byte) => sum + byte, 0);
}
