import { once } from 'node:events';
import { Socket } from 'node:net';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { type GearmanServer, serverName } from './gearman-server.ts';

const CONNECT_LIMIT_MS = 10_000;
/** Node asks ten times, a second apart, after this idle time: a dead peer is noticed within 40 s. */
const KEEPALIVE_AFTER_MS = 30_000;

/**
 * A connected socket with TCP keepalive, without Nagle's delay.
 * @throws {Error} nobody answers within 10 s, or the server refuses; the cause tells
 * @throws the signal's reason if `signal` is aborted
 */
export async function openSocket(
  server: GearmanServer,
  deps: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<Socket> {
  const socket = new Socket();
  const deadline = { what: `Gearman server "${serverName(server)}" to accept a connection`, ms: CONNECT_LIMIT_MS };
  try {
    await withDeadline(deadline, { clock: deps.clock, signal }, async (connecting) => {
      const connected = once(socket, 'connect', { signal: connecting });
      socket.connect({ host: server.host, port: server.port, noDelay: true });
      await connected;
    });
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw new Error(`Cannot connect to Gearman server "${serverName(server)}"`, { cause: error });
  }
  socket.setKeepAlive(true, KEEPALIVE_AFTER_MS);
  return socket;
}
