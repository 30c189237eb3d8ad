import type { Socket } from 'node:net';
import type { Clock } from '../runtime/clock.ts';
import { asError, ProtocolError } from '../runtime/errors.ts';
import { Deferred } from './deferred.ts';
import { type GearmanServer, serverName } from './gearman-server.ts';
import { LineSplitter } from './line-splitter.ts';
import { openSocket } from './open-socket.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

/** Status of 10,000 functions has about one million characters. */
const MAX_ANSWER_CHARS = 64 * 1024 * 1024;
/** What a line takes besides its text, when it is kept and parsed; millions of short ones would fill the memory. */
const LINE_COST_CHARS = 128;
/** Enough to know what it was. */
const SHOWN_CHARS = 200;

/** `list` answers end with a line that is just `.`; `line` answers are one line. */
export type AnswerShape = 'list' | 'line';

type Question = {
  readonly shape: AnswerShape;
  readonly lines: string[];
  readonly answered: Deferred<readonly string[]>;
  chars: number;
};

/** One connection for the admin text of one server. Answers bear no name, so there is one question at a time. */
export class AdminConnection {
  readonly #socket: Socket;
  readonly #server: string;
  readonly #ended = new AbortController();
  readonly #splitter = new LineSplitter();
  #question: Question | undefined;
  #failure: Error | undefined;

  private constructor(socket: Socket, server: string) {
    this.#socket = socket;
    this.#server = server;
    socket.on('data', (bytes: Buffer) => {
      this.#take(bytes);
    });
    socket.on('error', (error) => {
      this.#failure ??= new Error(`Admin connection to Gearman server "${server}" failed`, { cause: error });
    });
    socket.on('close', () => {
      this.#ended.abort(this.#failure ?? new Error(`Gearman server "${server}" closed the admin connection`));
    });
  }

  /** @throws as `openSocket` does */
  static async open(
    server: GearmanServer,
    deps: { readonly clock: Clock },
    signal: AbortSignal,
  ): Promise<AdminConnection> {
    return new AdminConnection(await openSocket(server, deps, signal), serverName(server));
  }

  get isOpen(): boolean {
    return this.#socket.writable && !this.#ended.signal.aborted;
  }

  /**
   * Sends a command; resolves with the lines of the answer, without the `.`. If this throws, close the connection: the
   * answer may still come, and would be taken for that of the next question.
   * @throws {Error} the server answered `ERR …`, or the connection was lost
   * @throws the signal's reason if it is aborted first
   */
  async ask(command: string, shape: AnswerShape, signal: AbortSignal): Promise<readonly string[]> {
    if (this.#question !== undefined) throw new Error(`Cannot ask "${command}": another question is open`);
    const question: Question = { shape, lines: [], answered: new Deferred(), chars: 0 };
    this.#question = question;
    this.#socket.write(`${command}\n`);
    return await unlessAborted(question.answered.promise, signal, this.#ended.signal);
  }

  close(): void {
    this.#failure ??= new Error(`Admin connection to Gearman server "${this.#server}" is closed`);
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    try {
      for (const line of this.#splitter.push(bytes)) this.#takeLine(line);
    } catch (error) {
      this.#failure ??= asError(error);
      this.#socket.destroy();
    }
  }

  #takeLine(line: string): void {
    const question = this.#question;
    if (question === undefined)
      throw new ProtocolError(`Cannot take line ${JSON.stringify(line.slice(0, SHOWN_CHARS))}: nobody asked`);
    const isOnlyLine = question.shape === 'line' || (question.lines.length === 0 && isRefusal(line));
    if (!isOnlyLine && line === '.') {
      this.#answer(question, question.lines);
    } else if (isOnlyLine) {
      this.#answer(question, [line]);
    } else {
      question.chars += line.length + LINE_COST_CHARS;
      if (question.chars > MAX_ANSWER_CHARS) throw new ProtocolError('Cannot read answer: it does not end');
      question.lines.push(line);
    }
  }

  #answer(question: Question, lines: readonly string[]): void {
    this.#question = undefined;
    question.answered.resolve(lines);
  }
}

/** Whether this first line of a list is all of the answer: a server that does not know the command sends no `.`. */
export function isRefusal(line: string): boolean {
  return line.startsWith('ERR ') && !line.includes('\t');
}
