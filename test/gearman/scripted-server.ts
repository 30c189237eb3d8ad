import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { encodePacket, type FieldValue } from '../../src/gearman/codec/encode-packet.ts';
import { type FieldsOf, HEADER_BYTES, type Packet, type PacketType } from '../../src/gearman/codec/packet.ts';
import { PacketDecoder } from '../../src/gearman/codec/packet-decoder.ts';
import type { GearmanServer } from '../../src/gearman/gearman-server.ts';

/** A Gearman server on a free loopback port whose every byte a test decides. */
export class ScriptedServer implements AsyncDisposable {
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  readonly #accepted: ScriptedConnection[] = [];
  readonly #waiting: ((connection: ScriptedConnection) => void)[] = [];
  readonly address: GearmanServer;

  private constructor(listener: Server) {
    this.#listener = listener;
    this.address = { host: '127.0.0.1', port: (listener.address() as AddressInfo).port }; // TCP: never a string
    listener.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      const connection = new ScriptedConnection(socket);
      const next = this.#waiting.shift();
      if (next === undefined) this.#accepted.push(connection);
      else next(connection);
    });
  }

  static async start(port = 0): Promise<ScriptedServer> {
    const listener = createServer();
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
    return new ScriptedServer(listener);
  }

  /** `host:port` */
  get name(): string {
    return `${this.address.host}:${this.address.port}`;
  }

  /** The next connection, in the order of arrival. */
  connection(): Promise<ScriptedConnection> {
    const connection = this.#accepted.shift();
    if (connection !== undefined) return Promise.resolve(connection);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Cuts all connections and listens no more. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#listener.listening) await this.stop();
  }
}

/** The server's end of one connection. */
export class ScriptedConnection {
  readonly #socket: Socket;
  readonly #ended: Promise<void>;
  #received = Buffer.alloc(0);
  #look: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined); // a reset is an end too
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#look();
    });
    this.#ended = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
      });
    });
  }

  /** The next `count` bytes. */
  async read(count: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= count);
    const bytes = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return bytes;
  }

  /** The next line, without its LF. */
  async readLine(): Promise<string> {
    await this.#until(() => this.#received.includes('\n'));
    return (await this.read(this.#received.indexOf('\n') + 1)).toString().trimEnd();
  }

  /** The next packet. */
  async readPacket(): Promise<Packet> {
    await this.#until(() => this.#received.length >= HEADER_BYTES);
    const bytes = await this.read(HEADER_BYTES + this.#received.readUInt32BE(8));
    const [packet] = new PacketDecoder().push(bytes);
    if (packet === undefined) throw new Error('The bytes are no packet');
    return packet;
  }

  /** The next packets as `TYPE field|field`, NUL shown as `\0`. */
  async readPackets(count: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < count) {
      const packet = await this.readPacket();
      texts.push([packet.type, packet.fields.map(String).join('|')].join(' ').trimEnd());
    }
    return texts;
  }

  /** Bytes or text as they are, in one write. */
  send(...parts: readonly (Uint8Array | string)[]): void {
    this.#socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
  }

  sendPacket<T extends PacketType>(type: T, fields: FieldsOf<T, FieldValue>): void {
    this.send(encodePacket('RES', type, fields));
  }

  /** Resolves when the peer has ended the connection. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  /** Whatever has been received and not read. */
  unread(): Buffer {
    return this.#received;
  }

  close(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  async #until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      await new Promise<void>((resolve, reject) => {
        this.#look = resolve;
        void this.#ended.then(() => {
          reject(new Error(`The connection ended after ${this.#received.toString('latin1')}`));
        });
      });
    }
  }
}
