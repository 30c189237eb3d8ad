import type { Socket } from 'node:net';
import type { Clock } from '../runtime/clock.ts';
import { asError } from '../runtime/errors.ts';
import { encodePacket, type FieldValue } from './codec/encode-packet.ts';
import type { FieldsOf, Packet, PacketType } from './codec/packet.ts';
import { PacketDecoder } from './codec/packet-decoder.ts';
import { type GearmanServer, serverName } from './gearman-server.ts';
import { openSocket } from './open-socket.ts';

/** How long `close` lets the server take what was sent last. */
const CLOSE_LIMIT_MS = 2_000;
/** A server that lets this much pile up does not read any more. */
const MAX_UNSENT_BYTES = 128 * 1024 * 1024;

export type ConnectionDeps = { readonly clock: Clock };

/** One packet connection to one server. Ends on `close`, on loss, and on bytes that are no Gearman. */
export class GearmanConnection {
  /** `host:port` */
  readonly server: string;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #ended = new AbortController();
  readonly #decoder = new PacketDecoder();
  #failure: Error | undefined;

  private constructor(socket: Socket, server: string, clock: Clock) {
    this.server = server;
    this.#socket = socket;
    this.#clock = clock;
    socket.on('error', (error) => {
      this.#failure ??= new Error(`Connection to Gearman server "${server}" failed`, { cause: error });
    });
    socket.on('close', () => {
      this.#ended.abort(this.#failure ?? new Error(`Gearman server "${server}" closed the connection`));
    });
  }

  /** @throws as `openSocket` does */
  static async open(server: GearmanServer, deps: ConnectionDeps, signal: AbortSignal): Promise<GearmanConnection> {
    return new GearmanConnection(await openSocket(server, deps, signal), serverName(server), deps.clock);
  }

  /** Aborted when the connection is over, whoever ended it; the reason is an Error that says why. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Hands every packet to `listener`, in order. Call it once. A listener that throws ends the connection. */
  receive(listener: (packet: Packet) => void): void {
    this.#socket.on('data', (bytes: Buffer) => {
      try {
        for (const packet of this.#decoder.push(bytes)) listener(packet);
      } catch (error) {
        this.#fail(new Error(`Cannot go on with Gearman server "${this.server}"`, { cause: asError(error) }));
      }
    });
  }

  /** Sends a packet; on a connection that is over this does nothing, `ended` tells. */
  send<T extends PacketType>(type: T, fields: FieldsOf<T, FieldValue>): void {
    if (!this.#socket.writable) return;
    this.#socket.write(encodePacket('REQ', type, fields));
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) {
      this.#fail(new Error(`Gearman server "${this.server}" does not read what it is sent`));
    }
  }

  /** Ends the connection after what was sent has gone out, in at most 2 s. Idempotent; resolves when it is over. */
  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#failure ??= new Error(`Connection to Gearman server "${this.server}" is closed`);
    this.#socket.end();
    this.#socket.resume(); // unread bytes would hide the server's answer to our end
    await this.#clock.sleep(CLOSE_LIMIT_MS, this.#ended.signal).catch(() => undefined); // over: nothing to wait for
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
  }
}
