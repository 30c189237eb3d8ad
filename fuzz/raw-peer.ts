import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ByteTarget } from './fuzz-target.ts';

/** A server that says to each connection what it is told to say, once it was asked something, and hangs up. */
export class RawPeer {
  /** What to say to the first bytes of a connection. */
  answer: (request: Buffer) => Buffer = () => Buffer.alloc(0);
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => {
    this.#serve(socket);
  });

  static async start(): Promise<RawPeer> {
    const peer = new RawPeer();
    peer.#server.listen(0, '127.0.0.1');
    await once(peer.#server, 'listening');
    return peer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // TCP: never a string
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined); // the one who asked has given up: that is its right
    socket.once('data', (request: Buffer) => {
      socket.end(this.answer(request));
    });
  }
}

/** The part of a target that has such a server for itself, from its first input to its end. */
export function sayingPeer(
  feed: (input: Buffer, peer: RawPeer) => Promise<void>,
): Required<Pick<ByteTarget, 'feed' | 'close'>> {
  let peer: Promise<RawPeer> | undefined;
  return {
    feed: async (input) => {
      peer ??= RawPeer.start();
      await feed(input, await peer);
    },
    close: async () => {
      await (await peer)?.close();
      peer = undefined;
    },
  };
}
