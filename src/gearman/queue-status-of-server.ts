import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import type { FunctionStatus } from './admin-lines.ts';
import { GearmanAdmin } from './gearman-admin.ts';
import type { GearmanServer } from './gearman-server.ts';

/** How long a server's last answer stands for it when it is silent. */
const KEEP_MS = 60_000;

export type ServerQueueStatus =
  | {
      readonly server: string;
      /** `kept`: the server does not answer now, this is what it said last. */
      readonly state: 'fresh' | 'kept';
      readonly functions: readonly FunctionStatus[];
      /** Since the question that this answers was sent. */
      readonly ageMs: number;
    }
  | { readonly server: string; readonly state: 'unknown'; readonly functions?: never; readonly ageMs?: never };

type Answer = {
  readonly functions: readonly FunctionStatus[];
  readonly askedAtMs: number;
  /** Number of the read that asked. */
  readonly read: number;
};

export type ServerStatusDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: TaskBoard;
};

/** The `status` of one server with its last answer. */
export class QueueStatusOfServer {
  readonly #admin: GearmanAdmin;
  readonly #deps: ServerStatusDeps;
  readonly #closed = new AbortController();
  #last: Answer | undefined;
  #underWay: Promise<void> | undefined;
  /** Counts reads: an answer to the question of an earlier one does not count as fresh. */
  #read = 0;
  /** The read before went on without it; the next ones do not wait until it has answered once. */
  #isLate = false;
  #state: ServerQueueStatus['state'] = 'fresh';
  #failure: unknown;
  #junkLines = 0;

  constructor(server: GearmanServer, deps: ServerStatusDeps) {
    this.#admin = new GearmanAdmin(server, deps);
    this.#deps = deps;
  }

  /** `host:port` */
  get server(): string {
    return this.#admin.server;
  }

  /** Asks, unless a question is under way. Resolves with the answer or its failure, at once if the server is late. */
  async ask(): Promise<void> {
    this.#read += 1;
    const isLate = this.#underWay !== undefined || this.#isLate;
    this.#underWay ??= this.#poll();
    if (!isLate) await this.#underWay;
  }

  /** What is known now; logs when that changes its kind. */
  view(): ServerQueueStatus {
    this.#isLate = this.#underWay !== undefined;
    const view = this.#current();
    if (view.state !== this.#state && !this.#closed.signal.aborted) this.#logChange(view.state);
    this.#state = view.state;
    return view;
  }

  close(): void {
    this.#closed.abort(new Error('The Gearman server is not used any more'));
    this.#admin.close();
  }

  #current(): ServerQueueStatus {
    const last = this.#last;
    const ageMs = this.#deps.clock.monotonicMs() - (last?.askedAtMs ?? 0);
    if (last === undefined || ageMs > KEEP_MS) return { server: this.server, state: 'unknown' };
    const state = last.read === this.#read ? 'fresh' : 'kept';
    return { server: this.server, state, functions: last.functions, ageMs };
  }

  /** Never throws. */
  async #poll(): Promise<void> {
    using task = this.#deps.tasks.start(`Gearman status of ${this.server}`);
    task.waitOn('the answer');
    const askedAtMs = this.#deps.clock.monotonicMs();
    const read = this.#read;
    try {
      const { rows, junkLines } = await this.#admin.status(this.#closed.signal);
      this.#last = { functions: rows, askedAtMs, read };
      this.#failure = undefined;
      this.#isLate = false;
      this.#countJunk(junkLines);
    } catch (error) {
      this.#failure = error;
    }
    this.#underWay = undefined;
  }

  #logChange(state: ServerQueueStatus['state']): void {
    const facts = { server: this.server, ...(this.#failure === undefined ? {} : { error: this.#failure }) };
    if (state === 'fresh') this.#deps.log.info('Gearman server answers again', facts);
    else if (state === 'kept') this.#deps.log.warn('Gearman server does not answer; its last status is kept', facts);
    else this.#deps.log.warn('Gearman server does not answer; its demand is unknown', facts);
  }

  #countJunk(junkLines: number): void {
    if (junkLines !== this.#junkLines && junkLines > 0) {
      this.#deps.log.warn('Skipped lines of a Gearman status that cannot be read', { server: this.server, junkLines });
    }
    this.#junkLines = junkLines;
  }
}
