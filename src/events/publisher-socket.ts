import { Subscriber } from 'zeromq';
import { MAX_MESSAGE_BYTES } from './parse-job-event.ts';

export type PublisherSocketDeps = {
  /** A whole message. Must not throw and not wait. */
  readonly onMessage: (frames: readonly Uint8Array[]) => void;
  /** The publisher is reached, for the first time or again: what it sent before is lost. */
  readonly onConnect: () => void;
  readonly onDisconnect: () => void;
};

/**
 * A SUB socket to one publisher. It reconnects by itself for ever; a refused connection is normal, because Jenkins binds
 * its port at the first build after a start.
 */
export class PublisherSocket {
  readonly #socket: Subscriber;
  readonly #done: Promise<void>;

  /** @throws {Error} `endpoint` is none */
  constructor(endpoint: string, deps: PublisherSocketDeps) {
    // No ZMTP heartbeats: the plugin's library is older than they are.
    this.#socket = new Subscriber({
      linger: 0,
      receiveHighWaterMark: 20_000,
      reconnectInterval: 100,
      reconnectMaxInterval: 10_000,
      tcpKeepalive: 1,
      tcpKeepaliveIdle: 30,
      tcpKeepaliveInterval: 10,
      tcpKeepaliveCount: 3,
      maxMessageSize: MAX_MESSAGE_BYTES, // a longer one ends the connection
    });
    try {
      this.#observe(deps);
      this.#socket.subscribe();
      this.#socket.connect(endpoint);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
    this.#done = this.#receive(deps);
  }

  /** Closes the socket; resolves when no further message comes. */
  async close(): Promise<void> {
    this.#socket.close();
    await this.#done;
  }

  #observe(deps: PublisherSocketDeps): void {
    // Old publishers speak ZMTP 2, which has no handshake event; newer ones hear our subscription only after it.
    this.#socket.events.on('connect', deps.onConnect);
    this.#socket.events.on('handshake', deps.onConnect);
    this.#socket.events.on('disconnect', deps.onDisconnect);
  }

  async #receive(deps: PublisherSocketDeps): Promise<void> {
    for await (const frames of this.#socket) deps.onMessage(frames);
  }
}
