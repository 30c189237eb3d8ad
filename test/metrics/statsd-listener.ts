import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** A UDP socket in statsd's place. Disposing closes it. */
export class StatsdListener implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #socket: Socket;
  readonly #watchers = new Set<() => void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message) => {
      this.lines.push(message.toString());
      for (const watcher of [...this.#watchers]) watcher();
    });
  }

  static async open(host = '127.0.0.1'): Promise<StatsdListener> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.bind(0, host);
    await once(socket, 'listening');
    return new StatsdListener(socket);
  }

  get port(): string {
    return String(this.#socket.address().port);
  }

  /** All lines, as soon as there are `count`. */
  until(count: number): Promise<readonly string[]> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.lines.length < count) return;
        this.#watchers.delete(look);
        resolve(this.lines);
      };
      this.#watchers.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }
}
