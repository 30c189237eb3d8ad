import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { describeError } from '../../src/runtime/errors.ts';
import type { Logger } from '../../src/runtime/logger.ts';

export type Forward = {
  readonly from: string;
  readonly to: string;
  /** On both sides. */
  readonly port: number;
};

type OpenForward = { readonly server: Server; readonly sockets: Set<Socket> };

/** Makes machines answer at floating addresses: passes TCP connections on, as a router's NAT would. */
export class AddressForwarder {
  readonly #log: Logger;
  readonly #forwards = new Map<string, OpenForward>();

  constructor(deps: { readonly log: Logger }) {
    this.#log = deps.log;
  }

  /**
   * Listens at `from`; a forward that is open already is replaced. Does nothing for an address that is not in 127/8:
   * this machine has no other.
   */
  async open(forward: Forward): Promise<void> {
    await this.close(forward.from);
    if (!forward.from.startsWith('127.')) {
      this.#log.info('A floating address outside of 127/8 leads nowhere', { address: forward.from });
      return;
    }
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      const target = connect({ host: forward.to, port: forward.port });
      for (const each of [socket, target]) {
        sockets.add(each);
        each.once('close', () => {
          sockets.delete(each);
          socket.destroy();
          target.destroy();
        });
        each.on('error', (error) => {
          this.#log.debug('A forwarded connection broke', { address: forward.from, reason: describeError(error) });
        });
      }
      socket.pipe(target).pipe(socket);
    });
    server.listen({ host: forward.from, port: forward.port });
    await once(server, 'listening');
    this.#forwards.set(forward.from, { server, sockets });
  }

  /** Stops listening and ends what goes through. */
  async close(address: string): Promise<void> {
    const forward = this.#forwards.get(address);
    if (forward === undefined) return;
    this.#forwards.delete(address);
    for (const socket of forward.sockets) socket.destroy();
    forward.server.close();
    await once(forward.server, 'close');
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#forwards.keys()].map((address) => this.close(address)));
  }
}
