import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { execa } from 'execa';
import { CleanupStack } from '../../integration/cleanup-stack.ts';

/** The fake hypervisor's servers have addresses of these, which lead nowhere: the cloud's inner network, and the outer one. */
const NETWORKS = ['10.50.0.0/16', '203.0.113.0/24'];

/** Tells where the machine of an address really is. */
export type FindMachine = (address: string) => Promise<{ readonly address: string; readonly port: number }>;

/** Makes machines answer at the addresses that the cloud gives to its servers. Needs root, and a network namespace to itself. */
export class TenantNetwork implements AsyncDisposable {
  /** At which machines answer. */
  readonly port: number;
  readonly #cleanups: CleanupStack;

  private constructor(port: number, cleanups: CleanupStack) {
    this.port = port;
    this.#cleanups = cleanups;
  }

  static async open(find: FindMachine): Promise<TenantNetwork> {
    const cleanups = new CleanupStack();
    try {
      for (const network of NETWORKS) await addRoute(network, cleanups);
      const server = forwarder(find, cleanups);
      server.listen(0, '0.0.0.0');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo; // a TCP server has one
      return new TenantNetwork(port, cleanups);
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }
}

/** All of its addresses are this host's own from now on. */
async function addRoute(network: string, cleanups: CleanupStack): Promise<void> {
  const words = ['local', network, 'dev', 'lo'];
  await execa('ip', ['route', 'add', ...words]);
  cleanups.add(async () => {
    await execa('ip', ['route', 'del', ...words]);
  });
}

function forwarder(find: FindMachine, cleanups: CleanupStack): Server {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined); // `close` follows
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer((socket) => {
    keep(socket);
    void find(socket.localAddress ?? '').then(
      (machine) => {
        const target = connect({ host: machine.address, port: machine.port });
        keep(target);
        socket.once('close', () => target.destroy());
        target.once('close', () => socket.destroy());
        socket.pipe(target).pipe(socket);
      },
      () => socket.destroy(),
    );
  });
  cleanups.add(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return server;
}
