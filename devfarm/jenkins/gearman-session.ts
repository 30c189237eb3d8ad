import { connect, type Socket } from 'node:net';
import { encodePacket, type FieldValue } from '../../src/gearman/codec/encode-packet.ts';
import { type Packet, type PacketType, type FieldsOf } from '../../src/gearman/codec/packet.ts';
import { PacketDecoder } from '../../src/gearman/codec/packet-decoder.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { asError, describeError } from '../../src/runtime/errors.ts';
import type { Logger } from '../../src/runtime/logger.ts';

/** A job that gearmand has assigned. What is reported after the connection was lost goes nowhere. */
export type GearmanJob = {
  readonly functionName: string;
  readonly data: string;
  sendData(data: string): void;
  sendStatus(numerator: number, denominator: number): void;
  complete(data: string): void;
  fail(): void;
  /** Ends the job too; gearmand makes a WORK_FAIL of it. */
  raise(text: string): void;
};

export type GearmanSessionOptions = {
  /** Client id: `HOST_manager`, `NODE_exec-0`. */
  readonly name: string;
  readonly server: { readonly host: string; readonly port: number };
  /** Whether a job may be grabbed now; `refresh` tells that it may have changed. */
  readonly isReady: () => boolean;
  readonly functions: () => readonly string[];
  /** Works on a job to its end, with exactly one of `complete`, `fail`, `raise`. Must not throw. */
  readonly work: (job: GearmanJob) => Promise<void>;
};

export type GearmanSessionDeps = { readonly clock: Clock; readonly log: Logger };

const RECONNECT_MS = 1_000;

/**
 * One worker connection, as gearman-plugin has one per executor: one job at a time, functions withdrawn only between
 * jobs, connected again when it is lost.
 */
export class GearmanSession {
  readonly #options: GearmanSessionOptions;
  readonly #deps: GearmanSessionDeps;
  readonly #closed = new AbortController();
  readonly #done: Promise<void>;
  #socket: Socket | undefined;
  #offered = new Set<string>();
  /** What the server was asked last: nothing, for a job, or to be woken. */
  #state: 'awake' | 'grabbing' | 'asleep' | 'working' = 'awake';

  constructor(options: GearmanSessionOptions, deps: GearmanSessionDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#done = this.#stayConnected();
  }

  /** Looks again at `functions` and `isReady`. */
  refresh(): void {
    if (this.#closed.signal.aborted || this.#state === 'working' || this.#state === 'grabbing') return;
    if (this.#socket === undefined) return;
    if (this.#offerFunctions()) this.#state = 'awake'; // the server does not wake us for jobs that were there before
    if (this.#state !== 'awake' || this.#offered.size === 0 || !this.#options.isReady()) return;
    this.#state = 'grabbing';
    this.#send('GRAB_JOB_UNIQ', []);
  }

  /** Ends the connection after the job under way; resolves when it is over. */
  async close(): Promise<void> {
    this.#closed.abort();
    if (this.#state !== 'working') this.#socket?.end();
    await this.#done;
  }

  /** Cuts the connection, as the death of the process does. */
  kill(): void {
    this.#closed.abort();
    this.#socket?.destroy();
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await this.#connectOnce().catch((error: unknown) => {
        this.#deps.log.debug(`Worker ${this.#options.name} lost gearmand: ${describeError(error)}`);
      });
      this.#socket = undefined;
      await this.#deps.clock.sleep(RECONNECT_MS, signal).catch(() => undefined); // closed: the loop ends above
    }
  }

  /** Resolves or rejects when the connection is over. */
  #connectOnce(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#options.server);
      const decoder = new PacketDecoder();
      socket.setNoDelay(true);
      socket.once('connect', () => {
        this.#onConnect(socket);
      });
      socket.on('data', (bytes) => {
        try {
          for (const packet of decoder.push(bytes)) this.#onPacket(packet, socket);
        } catch (error) {
          socket.destroy();
          reject(asError(error));
        }
      });
      socket.once('error', reject);
      socket.once('close', () => {
        resolve();
      });
    });
  }

  #onConnect(socket: Socket): void {
    if (this.#closed.signal.aborted) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    this.#offered = new Set();
    this.#state = 'awake';
    this.#send('SET_CLIENT_ID', [this.#options.name]);
    this.refresh();
  }

  #onPacket(packet: Packet, socket: Socket): void {
    if (socket !== this.#socket) return;
    if (packet.type === 'NOOP' && this.#state === 'asleep') this.#wake();
    if (packet.type === 'NO_JOB' && this.#state === 'grabbing') this.#sleep();
    if (packet.type === 'JOB_ASSIGN_UNIQ') {
      const [handle, functionName, , data] = packet.fields;
      this.#deps.log.debug(`Worker ${this.#options.name} has job ${handle.toString()}`);
      void this.#work(
        this.#jobOf(handle, { functionName: functionName.toString(), data: data.toString() }, socket),
        socket,
      );
    }
  }

  #wake(): void {
    this.#state = 'awake';
    this.refresh();
  }

  #sleep(): void {
    this.#state = 'asleep';
    this.#send('PRE_SLEEP', []);
    this.refresh(); // functions may have changed meanwhile
  }

  async #work(job: GearmanJob, socket: Socket): Promise<void> {
    this.#state = 'working';
    await this.#options.work(job);
    if (socket !== this.#socket) return; // on another connection that state is another's
    if (this.#closed.signal.aborted) socket.end();
    else this.#wake();
  }

  #jobOf(handle: Buffer, job: Pick<GearmanJob, 'functionName' | 'data'>, socket: Socket): GearmanJob {
    const send = <T extends PacketType>(type: T, fields: FieldsOf<T, FieldValue>): void => {
      if (socket.writable) socket.write(encodePacket('REQ', type, fields));
    };
    return {
      ...job,
      sendData: (data) => {
        send('WORK_DATA', [handle, data]);
      },
      sendStatus: (numerator, denominator) => {
        send('WORK_STATUS', [handle, String(numerator), String(denominator)]);
      },
      complete: (data) => {
        send('WORK_COMPLETE', [handle, data]);
      },
      fail: () => {
        send('WORK_FAIL', [handle]);
      },
      raise: (text) => {
        send('WORK_EXCEPTION', [handle, text]);
      },
    };
  }

  /** Offers and withdraws; true if something was added. */
  #offerFunctions(): boolean {
    const wanted = new Set(this.#options.functions());
    const gone = [...this.#offered].filter((name) => !wanted.has(name));
    const added = [...wanted].filter((name) => !this.#offered.has(name));
    for (const name of gone) this.#send('CANT_DO', [name]);
    for (const name of added) this.#send('CAN_DO', [name]);
    this.#offered = wanted;
    return added.length > 0;
  }

  #send<T extends PacketType>(type: T, fields: FieldsOf<T, FieldValue>): void {
    this.#socket?.write(encodePacket('REQ', type, fields));
  }
}
