import { setMaxListeners } from 'node:events';
import { Subscriber } from 'zeromq';
import type { Clock } from '../runtime/clock.ts';
import { MAX_MESSAGE_BYTES } from './parse-job-event.ts';

/** Where the library tries again, it says so at once. */
const REVIVE_MS = 1_000;

export type PublisherSocketDeps = {
  readonly clock: Clock;
  /** A whole message. Must not throw and not wait. */
  readonly onMessage: (frames: readonly Uint8Array[]) => void;
  /** The publisher is reached, for the first time or again: what it sent before is lost. */
  readonly onConnect: () => void;
  /** A newer publisher hears our subscription from now on: what it sent since `onConnect` may be lost too. */
  readonly onSubscribed: () => void;
  readonly onDisconnect: () => void;
  /** The publisher broke the protocol, so that the library left it for good; it is connected to anew. */
  readonly onRevive: () => void;
};

/**
 * A SUB socket to one publisher. It reconnects for ever; a refused connection is normal, because Jenkins binds its port at
 * the first build after a start. ZeroMQ itself leaves a peer for good that breaks its protocol, be it for a moment: a
 * proxy's error page, a message that is too long. Then the socket is made anew.
 */
export class PublisherSocket {
  readonly #endpoint: string;
  readonly #deps: PublisherSocketDeps;
  readonly #closing = new AbortController();
  readonly #receiving = new Set<Promise<void>>();
  #socket: Subscriber;
  /** Tries to connect, of all sockets. */
  #tries = 0;

  /** @throws {Error} `endpoint` is none */
  constructor(endpoint: string, deps: PublisherSocketDeps) {
    this.#endpoint = endpoint;
    this.#deps = deps;
    setMaxListeners(0, this.#closing.signal); // connections may end ten times a second
    this.#socket = this.#open();
  }

  /** Closes the socket; resolves when no further message comes. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('The publisher is not listened to any more'));
    this.#socket.close();
    await Promise.all(this.#receiving);
  }

  #open(): Subscriber {
    // No ZMTP heartbeats: the plugin's library is older than they are.
    const socket = new Subscriber({
      linger: 0,
      receiveHighWaterMark: 20_000,
      reconnectInterval: 100,
      reconnectMaxInterval: 1_000, // what Jenkins says meanwhile is lost, and a short job with it
      tcpKeepalive: 1,
      tcpKeepaliveIdle: 30,
      tcpKeepaliveInterval: 10,
      tcpKeepaliveCount: 3,
      maxMessageSize: MAX_MESSAGE_BYTES, // a longer one ends the connection
    });
    try {
      this.#observe(socket);
      socket.subscribe();
      socket.connect(this.#endpoint);
    } catch (error) {
      socket.close();
      throw error;
    }
    const receiving = this.#receive(socket).finally(() => this.#receiving.delete(receiving));
    this.#receiving.add(receiving);
    return socket;
  }

  #observe({ events }: Subscriber): void {
    const { onConnect, onSubscribed, onDisconnect } = this.#deps;
    const onTry = (): void => {
      this.#tries += 1;
    };
    // Old publishers speak ZMTP 2, which has no handshake event; newer ones hear our subscription only after it.
    events.on('connect', onConnect);
    events.on('handshake', onSubscribed);
    events.on('connect:retry', onTry);
    events.on('connect:delay', onTry);
    events.on('disconnect', () => {
      onDisconnect();
      void this.#reviveUnlessTried();
    });
  }

  /** Makes the socket anew if the library does not try again. */
  async #reviveUnlessTried(): Promise<void> {
    const { clock, onRevive } = this.#deps;
    const tries = this.#tries;
    await clock.sleep(REVIVE_MS, this.#closing.signal).catch(() => undefined); // closed meanwhile
    if (this.#closing.signal.aborted || this.#tries !== tries) return;
    onRevive();
    this.#socket.close();
    this.#socket = this.#open();
  }

  async #receive(socket: Subscriber): Promise<void> {
    for await (const frames of socket) this.#deps.onMessage(frames);
  }
}
