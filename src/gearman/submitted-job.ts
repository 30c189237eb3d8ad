import { type Clock, withDeadline } from '../runtime/clock.ts';
import { asError, ProtocolError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { bareHandle, MAX_DATA_BYTES, type Packet, type PacketOf } from './codec/packet.ts';
import { Deferred } from './deferred.ts';
import { GearmanConnection } from './gearman-connection.ts';
import type { GearmanServer } from './gearman-server.ts';

/** How long a server may take to answer a submission (upstream: 300 s). */
const ACCEPT_LIMIT_MS = 30_000;

/** What a worker tells while it works; numbers as it sent them, -1 occurs. */
export type JobProgress =
  | { readonly type: 'data' | 'warning'; readonly data: Buffer }
  | { readonly type: 'status'; readonly numerator: number; readonly denominator: number };

/** A job as it goes to a server. */
export type Submission = {
  /** Who submits, as `workers` shows it. */
  readonly clientId: string;
  readonly function: string;
  readonly unique: string;
  readonly data: string | Uint8Array;
  readonly priority: 'high' | 'normal' | 'low';
  /** Must not throw. */
  readonly onProgress: (progress: JobProgress) => void;
};

/**
 * How a job ended: `failed` has no text, `exception` has the worker's; `disconnected` means that its server was lost,
 * so nobody knows how it went on.
 */
export type JobEnding =
  | { readonly type: 'completed'; readonly result: Buffer }
  | { readonly type: 'failed' }
  | { readonly type: 'exception'; readonly message: string }
  | { readonly type: 'disconnected'; readonly error: Error };

export type JobOutcome = JobEnding & {
  /** `host:port` of the server that had the job. */
  readonly server: string;
  /** The server's name for the job, e.g. `H:vm:1`. */
  readonly handle: string;
  /** The WORK_DATA chunks that came before the end, oldest first. */
  readonly data: readonly Buffer[];
};

export type SubmitDeps = {
  readonly clock: Clock;
  readonly log: Logger;
};

/** What a chunk takes besides its data; empty ones could be sent for ever. */
const CHUNK_COST_BYTES = 128;

const SUBMIT = { high: 'SUBMIT_JOB_HIGH', normal: 'SUBMIT_JOB', low: 'SUBMIT_JOB_LOW' } as const;

/**
 * One foreground job on one server, on a connection of its own: when the server is slow to accept and the job is given
 * to another one, closing that connection takes the job back.
 */
export class SubmittedJob {
  readonly #connection: GearmanConnection;
  readonly #submission: Submission;
  readonly #deps: SubmitDeps;
  /** Requests whose answer is due, oldest first: an ERROR answers the oldest. */
  readonly #unanswered: ('option' | 'job')[] = [];
  readonly #refusal = new Deferred<Error | undefined>();
  readonly #ending = new Deferred<JobEnding>();
  readonly #data: Buffer[] = [];
  #dataBytes = 0;
  #handle: Buffer | undefined;
  #isOver = false;

  private constructor(connection: GearmanConnection, submission: Submission, deps: SubmitDeps) {
    this.#connection = connection;
    this.#submission = submission;
    this.#deps = deps;
    connection.ended.addEventListener('abort', () => {
      const error = asError(connection.ended.reason);
      this.#refusal.resolve(error);
      this.#end({ type: 'disconnected', error });
    });
  }

  /**
   * Gives the job to `server`. When `signal` is aborted later, the job is over too.
   * @throws {Error} the server cannot be reached, refuses the job, or does not answer within 30 s
   */
  static async submit(
    to: { readonly server: GearmanServer; readonly submission: Submission },
    deps: SubmitDeps,
    signal: AbortSignal,
  ): Promise<SubmittedJob> {
    const connection = await GearmanConnection.open(to.server, deps, signal);
    const job = new SubmittedJob(connection, to.submission, deps);
    try {
      await job.#start(signal);
    } catch (error) {
      void connection.close();
      throw error;
    }
    const onAbort = (): void => void job.close();
    signal.addEventListener('abort', onAbort, { once: true, signal: connection.ended });
    return job;
  }

  /** Resolves when the job is over; later packets for it are ignored (gearmand sends some after `cancel job`). */
  async outcome(): Promise<JobOutcome> {
    const ending = await this.#ending.promise;
    const handle = this.#handle?.toString() ?? '';
    return { ...ending, server: this.#connection.server, handle, data: this.#data };
  }

  /** Ends the connection, and with it the job if it still waits. */
  async close(): Promise<void> {
    this.#isOver = true; // nobody listens to its progress any more
    await this.#connection.close();
  }

  #end(ending: JobEnding): void {
    this.#isOver = true;
    this.#ending.resolve(ending);
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { clientId, function: name, unique, data, priority } = this.#submission;
    this.#connection.receive((packet) => {
      this.#accept(packet);
    });
    this.#connection.send('SET_CLIENT_ID', [clientId]);
    // Not waited for: geard never answers it, and gives exceptions anyway.
    this.#unanswered.push('option', 'job');
    this.#connection.send('OPTION_REQ', ['exceptions']);
    this.#connection.send(SUBMIT[priority], [name, unique, data]);
    const deadline = { what: `Gearman server "${this.#connection.server}" to accept "${name}"`, ms: ACCEPT_LIMIT_MS };
    const refusal = await withDeadline(deadline, { clock: this.#deps.clock, signal }, () => this.#refusal.promise);
    if (refusal !== undefined) throw refusal;
  }

  #accept(packet: Packet): void {
    if (packet.type === 'OPTION_RES') this.#answer('option');
    else if (packet.type === 'ERROR') this.#takeError(packet);
    else if (packet.type === 'JOB_CREATED') this.#created(packet);
    else if (isJobPacket(packet) && !this.#isOver && this.#isOurs(packet.fields[0])) this.#takeReport(packet);
    else this.#deps.log.debug('Ignored a Gearman packet', { server: this.#connection.server, type: packet.type });
  }

  /** Answers come in the order of the requests, so requests before the answered one were passed over. */
  #answer(request: 'option' | 'job'): void {
    const index = this.#unanswered.indexOf(request);
    this.#unanswered.splice(0, index + 1);
  }

  #takeError(packet: PacketOf<'ERROR'>): void {
    const text = `${packet.fields[0].toString()}: ${packet.fields[1].toString()}`;
    const server = this.#connection.server;
    if (this.#unanswered.shift() === 'job') {
      this.#refusal.resolve(
        new Error(`Gearman server "${server}" refused "${this.#submission.function}"`, { cause: new Error(text) }),
      );
    } else {
      this.#deps.log.debug('Gearman server reported an error', { server, error: text });
    }
  }

  #created(packet: PacketOf<'JOB_CREATED'>): void {
    if (this.#handle !== undefined) throw new ProtocolError('Cannot accept a second JOB_CREATED');
    this.#answer('job');
    this.#handle = Buffer.from(bareHandle(packet.fields[0]));
    this.#refusal.resolve(undefined);
  }

  #isOurs(handle: Buffer): boolean {
    return this.#handle?.equals(bareHandle(handle)) === true;
  }

  #takeReport(packet: JobPacket): void {
    if (packet.type === 'WORK_COMPLETE') {
      this.#end({ type: 'completed', result: packet.fields[1] });
    } else if (packet.type === 'WORK_FAIL') {
      this.#end({ type: 'failed' });
    } else if (packet.type === 'WORK_EXCEPTION') {
      this.#end({ type: 'exception', message: packet.fields[1].toString() });
    } else if (packet.type === 'WORK_STATUS') {
      const [, numerator, denominator] = packet.fields;
      this.#submission.onProgress({
        type: 'status',
        numerator: Number(numerator.toString()),
        denominator: Number(denominator.toString()),
      });
    } else {
      this.#keepData(packet);
    }
  }

  #keepData(packet: PacketOf<'WORK_DATA'> | PacketOf<'WORK_WARNING'>): void {
    const data = packet.fields[1];
    if (packet.type === 'WORK_DATA') {
      this.#dataBytes += data.length + CHUNK_COST_BYTES;
      if (this.#dataBytes > MAX_DATA_BYTES) throw new ProtocolError(`Cannot keep ${this.#dataBytes} bytes of job data`);
      this.#data.push(data);
    }
    this.#submission.onProgress({ type: packet.type === 'WORK_DATA' ? 'data' : 'warning', data });
  }
}

const JOB_PACKETS = [
  'WORK_COMPLETE',
  'WORK_FAIL',
  'WORK_EXCEPTION',
  'WORK_STATUS',
  'WORK_DATA',
  'WORK_WARNING',
] as const;
type JobPacket = PacketOf<(typeof JOB_PACKETS)[number]> & Packet;

function isJobPacket(packet: Packet): packet is JobPacket {
  return JOB_PACKETS.some((type) => type === packet.type);
}
