import PQueue from 'p-queue';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import { AdminConnection, type AnswerShape, isRefusal } from './admin-connection.ts';
import {
  type FunctionStatus,
  type JobLine,
  parseJobLine,
  type ParsedLines,
  parseLines,
  parseStatusLine,
  parseWorkerLine,
  type WorkerLine,
} from './admin-lines.ts';
import { type GearmanServer, serverName } from './gearman-server.ts';

/** For one question, the connection included (upstream: 300 s). geard does not answer what it does not know. */
const ANSWER_LIMIT_MS = 10_000;
const MAX_QUEUED = 100;
const SHOWN_CHARS = 200;

/**
 * The admin text of one server, over one connection that is opened when needed. Every method
 * @throws {DeadlineExceededError} no answer within 10 s
 * @throws {Error} the server cannot be reached, was lost, or refused the command
 */
export class GearmanAdmin {
  /** `host:port` */
  readonly server: string;
  readonly #server: GearmanServer;
  readonly #clock: Clock;
  readonly #turns = new PQueue({ concurrency: 1 });
  readonly #closed = new AbortController();
  #connection: AdminConnection | undefined;

  constructor(server: GearmanServer, deps: { readonly clock: Clock }) {
    this.server = serverName(server);
    this.#server = server;
    this.#clock = deps.clock;
  }

  /** Every function the server ever heard of. */
  async status(signal: AbortSignal): Promise<ParsedLines<FunctionStatus>> {
    return parseLines(await this.#ask('status', 'list', signal), parseStatusLine);
  }

  /** Every connection of the server. */
  async workers(signal: AbortSignal): Promise<ParsedLines<WorkerLine>> {
    return parseLines(await this.#ask('workers', 'list', signal), parseWorkerLine);
  }

  /** Every job of the server. */
  async showJobs(signal: AbortSignal): Promise<ParsedLines<JobLine>> {
    return parseLines(await this.#ask('show jobs', 'list', signal), parseJobLine);
  }

  /** E.g. `1.1.20+ds`. geard never answers. */
  async version(signal: AbortSignal): Promise<string> {
    return (await this.#askLine('version', signal)).replace(/^OK /, '');
  }

  /** Cancels a waiting job; at gearmand also marks a running one as failed. False: the server does not know it. */
  async cancelJob(handle: string, signal: AbortSignal): Promise<boolean> {
    if (!/^\S+$/.test(handle)) throw new RangeError(`Cannot cancel job ${JSON.stringify(handle)}: that is no handle`);
    const answer = await this.#askLine(`cancel job ${handle}`, signal);
    if (answer.startsWith('ERR UNKNOWN_JOB')) return false;
    if (answer === 'OK' || answer.startsWith('OK ')) return true;
    throw this.#refused(`cancel job ${handle}`, answer);
  }

  /** Ends the connection; questions under way throw. */
  close(): void {
    this.#closed.abort(new Error(`Gearman admin of "${this.server}" is closed`));
    this.#drop();
  }

  async #askLine(command: string, signal: AbortSignal): Promise<string> {
    const [line] = await this.#ask(command, 'line', signal);
    return line ?? '';
  }

  async #ask(command: string, shape: AnswerShape, signal: AbortSignal): Promise<readonly string[]> {
    if (this.#turns.size >= MAX_QUEUED) {
      throw new Error(`Cannot ask Gearman server "${this.server}" for "${command}": ${this.#turns.size} wait already`);
    }
    using until = joinSignals(signal, this.#closed.signal);
    const lines = await this.#turns.add(() => this.#askNow(command, shape, until.signal), { signal: until.signal });
    const [first] = lines;
    if (shape === 'list' && first !== undefined && isRefusal(first)) throw this.#refused(command, first);
    return lines;
  }

  async #askNow(command: string, shape: AnswerShape, signal: AbortSignal): Promise<readonly string[]> {
    const deadline = { what: `Gearman server "${this.server}" to answer "${command}"`, ms: ANSWER_LIMIT_MS };
    try {
      return await withDeadline(deadline, { clock: this.#clock, signal }, async (inner) => {
        const connection = await this.#connect(inner);
        return await connection.ask(command, shape, inner);
      });
    } catch (error) {
      this.#drop(); // the answer may still come
      throw error;
    }
  }

  async #connect(signal: AbortSignal): Promise<AdminConnection> {
    if (this.#connection?.isOpen === true) return this.#connection;
    const connection = await AdminConnection.open(this.#server, { clock: this.#clock }, signal);
    if (signal.aborted) connection.close(); // nobody waits for it any more
    this.#connection = connection;
    return connection;
  }

  #drop(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #refused(command: string, answer: string): Error {
    return new Error(`Gearman server "${this.server}" refused "${command}"`, {
      cause: new Error(answer.slice(0, SHOWN_CHARS)),
    });
  }
}
