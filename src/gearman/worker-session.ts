import { type Clock, withDeadline } from '../runtime/clock.ts';
import { describeError, ProtocolError } from '../runtime/errors.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { MAX_DATA_BYTES, type Packet, type PacketOf } from './codec/packet.ts';
import { Deferred } from './deferred.ts';
import type { GearmanConnection } from './gearman-connection.ts';
import type { AssignedJob, JobHandler, JobReport } from './job-handler.ts';
import type { Turnstile } from './turnstile.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

/** A server that does not answer our question for work by then is left. */
const GRAB_LIMIT_MS = 30_000;
/** We ask again without being woken, so that a lost NOOP or a hanging server is noticed. */
const SLEEP_LIMIT_MS = 60_000;

/** Leaves room for the handle. */
const MAX_RESULT_BYTES = MAX_DATA_BYTES - 1024;

export type SessionDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly task: Task;
};

export type SessionSubject = {
  readonly connection: GearmanConnection;
  readonly clientId: string;
  /** What the worker offers now; read again on each `syncFunctions`. */
  readonly functions: ReadonlyMap<string, JobHandler>;
  /** Shared by the connections of one slot to several servers, so that they have one job at a time together. */
  readonly turns: Turnstile;
};

type Assignment = PacketOf<'JOB_ASSIGN_UNIQ'>;
type FullReport = JobReport | { readonly type: 'exception'; readonly message: string };

/** What a worker says on one connection, from the registration to the loss of the connection. */
export class WorkerSession {
  readonly #subject: SessionSubject;
  readonly #deps: SessionDeps;
  readonly #offered = new Map<string, JobHandler>();
  /** A fresh one per question for work: only what is told after the question is news. */
  #news: Wakeup;
  #grabbed: Deferred<Assignment | undefined> | undefined;
  /** From the question for work to the last packet about the job: gearmand requeues a job whose function is withdrawn. */
  #mayHaveJob = false;
  #answers = 0;

  constructor(subject: SessionSubject, deps: SessionDeps) {
    this.#subject = subject;
    this.#deps = deps;
    this.#news = new Wakeup(deps.clock);
  }

  /** Whether the server has answered at all. */
  get wasAnswered(): boolean {
    return this.#answers > 0;
  }

  /**
   * Works until the connection is lost or one of the signals is aborted.
   * @param idle aborted: take no more jobs, but finish the one at hand
   * @param signal aborted: leave the job at hand too
   * @throws always, the reason of the end
   */
  async serve(idle: AbortSignal, signal: AbortSignal): Promise<never> {
    const { connection, clientId } = this.#subject;
    connection.receive((packet) => {
      this.#accept(packet);
    });
    connection.send('SET_CLIENT_ID', [clientId]);
    this.syncFunctions();
    using joined = joinSignals(idle, signal, connection.ended);
    const mayGrab = joined.signal;
    for (;;) {
      const worked = await this.#grabAndWork(mayGrab, signal);
      mayGrab.throwIfAborted();
      if (worked) continue;
      connection.send('PRE_SLEEP', []);
      this.#deps.task.waitOn('a job');
      await this.#news.wait(SLEEP_LIMIT_MS, mayGrab);
    }
  }

  /** Tells the server which functions are new, and, unless a job may be here, which are withdrawn. */
  syncFunctions(): void {
    const { connection, functions } = this.#subject;
    for (const [name, handler] of functions) {
      if (!this.#offered.has(name)) {
        connection.send('CAN_DO', [name]);
        this.#news.wake(); // gearmand wakes nobody for jobs that waited before the function was offered
      }
      this.#offered.set(name, handler);
    }
    if (this.#mayHaveJob) return;
    for (const name of this.#offered.keys()) {
      if (functions.has(name)) continue;
      connection.send('CANT_DO', [name]);
      this.#offered.delete(name);
    }
  }

  /** False if there was nothing to do. */
  async #grabAndWork(mayGrab: AbortSignal, signal: AbortSignal): Promise<boolean> {
    this.#deps.task.waitOn('its turn');
    using _turn = await this.#subject.turns.enter(mayGrab);
    this.#mayHaveJob = true;
    try {
      const assignment = await this.#grab(signal);
      if (assignment === undefined) return false;
      await this.#work(assignment, signal);
      return true;
    } finally {
      this.#mayHaveJob = false;
      this.syncFunctions();
    }
  }

  async #grab(signal: AbortSignal): Promise<Assignment | undefined> {
    const { connection } = this.#subject;
    this.#deps.task.waitOn('the answer to GRAB_JOB_UNIQ');
    const grabbed = new Deferred<Assignment | undefined>();
    this.#grabbed = grabbed;
    this.#news = new Wakeup(this.#deps.clock);
    connection.send('GRAB_JOB_UNIQ', []);
    const deadline = { what: `Gearman server "${connection.server}" to answer GRAB_JOB_UNIQ`, ms: GRAB_LIMIT_MS };
    using until = joinSignals(signal, connection.ended);
    return await withDeadline(deadline, { clock: this.#deps.clock, signal: until.signal }, () => grabbed.promise);
  }

  #accept(packet: Packet): void {
    this.#answers += 1;
    if (packet.type === 'NOOP') this.#news.wake();
    else if (packet.type === 'NO_JOB') this.#answerGrab(undefined);
    else if (packet.type === 'JOB_ASSIGN_UNIQ') this.#answerGrab(packet);
    else if (packet.type === 'ERROR') this.#logRefusal(packet);
    else
      this.#deps.log.debug('Ignored a Gearman packet', { server: this.#subject.connection.server, type: packet.type });
  }

  #answerGrab(assignment: Assignment | undefined): void {
    if (this.#grabbed === undefined) throw new ProtocolError('Cannot accept an answer to GRAB_JOB_UNIQ: none is due');
    this.#grabbed.resolve(assignment);
    this.#grabbed = undefined;
  }

  #logRefusal(packet: PacketOf<'ERROR'>): void {
    const [code, text] = packet.fields;
    const server = this.#subject.connection.server;
    this.#deps.log.warn('Gearman server refused a packet of a worker', {
      server,
      error: `${code.toString()}: ${text.toString()}`,
    });
  }

  /** Runs the handler and sends its report, unless the connection it belongs to is gone: handles mean nothing elsewhere. */
  async #work(assignment: Assignment, signal: AbortSignal): Promise<void> {
    const { connection } = this.#subject;
    const [handle, name] = assignment.fields;
    const facts = { job: name.toString(), handle: handle.toString(), server: connection.server };
    this.#deps.task.waitOn(`job ${facts.handle} ${facts.job}`);
    this.#deps.log.debug('Gearman job begins', facts);
    const over = new AbortController();
    const report = await unlessAborted(this.#report(assignment, { over, signal }), signal);
    over.abort(); // nothing of this job may follow its last packet
    if (connection.ended.aborted) {
      this.#deps.log.warn('Report of a Gearman job is dropped: its connection was lost', {
        ...facts,
        report: report.type,
      });
      return;
    }
    this.#send(handle, report);
    this.#deps.log.debug('Gearman job ends', { ...facts, report: report.type });
  }

  #send(handle: Buffer, report: FullReport): void {
    const { connection } = this.#subject;
    if (report.type === 'complete') connection.send('WORK_COMPLETE', [handle, report.result]);
    else if (report.type === 'fail') connection.send('WORK_FAIL', [handle]);
    else connection.send('WORK_EXCEPTION', [handle, report.message]); // the last word: no WORK_FAIL after it
  }

  async #report(
    assignment: Assignment,
    run: { readonly over: AbortController; readonly signal: AbortSignal },
  ): Promise<FullReport> {
    const name = assignment.fields[1].toString();
    const handler = this.#offered.get(name);
    if (handler === undefined) {
      this.#deps.log.warn('Gearman server assigned a job that was not offered', { job: name });
      return { type: 'fail' };
    }
    try {
      const report = await handler(this.#assignedJob(assignment, run.over.signal), run.signal);
      assertSendable(report);
      return report;
    } catch (error) {
      if (!run.signal.aborted) this.#deps.log.error('Gearman job failed', { job: name, error });
      return { type: 'exception', message: describeError(error) };
    }
  }

  #assignedJob(assignment: Assignment, over: AbortSignal): AssignedJob {
    const { connection } = this.#subject;
    const [handle, name, unique, data] = assignment.fields;
    return {
      function: name.toString(),
      unique: unique.toString(),
      data,
      server: connection.server,
      handle: handle.toString(),
      disconnected: connection.ended,
      sendData: (chunk) => {
        if (!over.aborted) connection.send('WORK_DATA', [handle, chunk]);
      },
      sendStatus: (numerator, denominator) => {
        if (!over.aborted) connection.send('WORK_STATUS', [handle, String(numerator), String(denominator)]);
      },
    };
  }
}

/** A result that cannot be sent must end the job all the same, else it would be given out again and again. */
function assertSendable(report: JobReport): void {
  const bytes = report.type === 'complete' ? Buffer.byteLength(report.result) : 0;
  if (bytes > MAX_RESULT_BYTES) throw new RangeError(`Cannot send a result of ${bytes} bytes`);
}
