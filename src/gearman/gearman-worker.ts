import { type Backoff, backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { Task, TaskBoard } from '../runtime/task-board.ts';
import { GearmanConnection } from './gearman-connection.ts';
import { assertClientId, assertFunctionName } from './gearman-names.ts';
import { type GearmanServer, serverName } from './gearman-server.ts';
import type { JobHandler } from './job-handler.ts';
import { Turnstile } from './turnstile.ts';
import { WorkerSession } from './worker-session.ts';

/** Between tries to connect: 1 s at first (backoffMs takes off up to a quarter), at most 30 s. */
const RECONNECT: Backoff = { firstMs: 1_334, maxMs: 30_000 };

export type GearmanWorkerOptions = {
  readonly servers: readonly GearmanServer[];
  /** One client id per job that may run at once, e.g. `Nodepool Builder Upload Worker 1`; shown by `workers`. */
  readonly clientIds: readonly string[];
};

export type GearmanWorkerDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly randomness: Randomness;
  readonly tasks: TaskBoard;
};

/** One job at a time, from whichever server has one: its connections take turns to ask. */
type Slot = { readonly clientId: string; readonly turns: Turnstile };

/** All connections to one server. */
type Link = { readonly retire: AbortController; readonly done: Promise<unknown> };

/**
 * Serves functions to all servers: one connection per slot and server, each reconnecting for ever. Jobs of one slot
 * never overlap, even when they come from different servers.
 */
export class GearmanWorker {
  readonly #deps: GearmanWorkerDeps;
  readonly #slots: readonly Slot[];
  readonly #functions = new Map<string, JobHandler>();
  readonly #sessions = new Set<WorkerSession>();
  readonly #links = new Map<string, Link>();
  readonly #retired = new Set<Promise<unknown>>();
  readonly #closed = new AbortController();

  constructor(options: GearmanWorkerOptions, deps: GearmanWorkerDeps) {
    options.clientIds.forEach(assertClientId);
    this.#deps = deps;
    this.#slots = options.clientIds.map((clientId) => ({ clientId, turns: new Turnstile() }));
    this.setServers(options.servers);
  }

  /**
   * Offers a function to all servers at once, also from inside a handler. Offering it again changes the handler.
   * @throws {RangeError} the name is not allowed
   */
  register(name: string, handler: JobHandler): void {
    assertFunctionName(name);
    this.#functions.set(name, handler);
    this.#syncFunctions();
  }

  /** Offers the function no more. A connection that has a job withdraws after the job's last packet. */
  withdraw(name: string): void {
    this.#functions.delete(name);
    this.#syncFunctions();
  }

  /** Connects to what is new; leaves what is gone after the jobs at hand. */
  setServers(servers: readonly GearmanServer[]): void {
    if (this.#closed.signal.aborted) return;
    const wanted = new Map(servers.map((server) => [serverName(server), server]));
    for (const [name, link] of this.#links) {
      if (wanted.has(name)) continue;
      this.#links.delete(name);
      this.#retire(link);
    }
    for (const [name, server] of wanted) {
      if (!this.#links.has(name)) this.#links.set(name, this.#link(server));
    }
  }

  /** Takes no more jobs and resolves when those at hand have ended. The caller bounds the wait, then calls `close`. */
  async drain(): Promise<void> {
    this.setServers([]);
    await Promise.all(this.#retired);
  }

  /** Stops at once: handlers see their signal aborted, reports are dropped, servers give the jobs to others. Idempotent. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('Gearman worker is closed'));
    await Promise.all([...this.#retired, ...[...this.#links.values()].map((link) => link.done)]);
  }

  #syncFunctions(): void {
    for (const session of this.#sessions) session.syncFunctions();
  }

  #link(server: GearmanServer): Link {
    const retire = new AbortController();
    return { retire, done: Promise.all(this.#slots.map((slot) => this.#keepConnected(server, slot, retire.signal))) };
  }

  #retire(link: Link): void {
    link.retire.abort(new Error('Gearman server is not used any more'));
    const done = link.done.finally(() => this.#retired.delete(done));
    this.#retired.add(done);
  }

  async #keepConnected(server: GearmanServer, slot: Slot, retire: AbortSignal): Promise<void> {
    using task = this.#deps.tasks.start(`Gearman worker "${slot.clientId}" at ${serverName(server)}`);
    using joined = joinSignals(retire, this.#closed.signal);
    const stopping = joined.signal;
    let failures = 0;
    for (;;) {
      const wasAnswered = await this.#serveOnce(server, { slot, task }, retire);
      if (stopping.aborted) return;
      failures = wasAnswered ? 1 : failures + 1;
      const ms = backoffMs(failures, RECONNECT, this.#deps.randomness);
      task.waitOn(`the next try to connect, in ${Math.round(ms)} ms`);
      await this.#deps.clock.sleep(ms, stopping).catch(() => undefined); // stopping: the next try ends at once
    }
  }

  /** One connection from its opening to its end; whether the server said anything. Never throws. */
  async #serveOnce(
    server: GearmanServer,
    run: { readonly slot: Slot; readonly task: Task },
    retire: AbortSignal,
  ): Promise<boolean> {
    const facts = { server: serverName(server), worker: run.slot.clientId };
    using joined = joinSignals(retire, this.#closed.signal);
    const stopping = joined.signal;
    let session: WorkerSession | undefined;
    let connection: GearmanConnection | undefined;
    try {
      run.task.waitOn('the connection');
      connection = await GearmanConnection.open(server, this.#deps, stopping);
      this.#deps.log.info('Worker is connected to a Gearman server', facts);
      session = new WorkerSession(
        { connection, clientId: run.slot.clientId, functions: this.#functions, turns: run.slot.turns },
        { clock: this.#deps.clock, log: this.#deps.log, task: run.task },
      );
      this.#sessions.add(session);
      await session.serve(retire, this.#closed.signal);
    } catch (error) {
      if (!stopping.aborted) this.#deps.log.warn('Worker has no connection to a Gearman server', { ...facts, error });
    }
    if (session !== undefined) this.#sessions.delete(session);
    await connection?.close();
    return session?.wasAnswered === true;
  }
}
