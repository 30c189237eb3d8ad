import { once } from 'node:events';
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../src/runtime/clock.ts';

/**
 * How a peer fails. `refused`: nobody listens. `hang`: it takes connections and bytes, and never answers. `slow`: each
 * piece of an answer comes 5 s late. `garbage`, `5xx`: it answers nonsense, or HTTP 503. `cut`: its answers break off in
 * the middle.
 */
export const FAULT_MODES = ['refused', 'hang', 'slow', 'garbage', '5xx', 'cut'] as const;
export type FaultMode = (typeof FAULT_MODES)[number];

export type ProxyOptions = {
  /** Where a connection that came to `address` goes. */
  readonly target: (address: string) => NetConnectOpts;
  /** Default: loopback only. */
  readonly host?: string;
  /** Connections that stand when a fault begins, or ends, are left as they are. */
  readonly sparesStanding?: boolean;
};

type Pair = { readonly client: Socket; readonly upstream: Socket; readonly mode: FaultMode | undefined };

const SLOW_MS = 5_000;
const GARBAGE = Buffer.from('\u0000\u00ff\u001b garbage of no protocol \r\n\r\n', 'latin1');
const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nBusy';

/** A TCP proxy between the daemon and a peer, that fails as it is told. Dispose of it. */
export class FaultyProxy implements AsyncDisposable {
  readonly #options: ProxyOptions;
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #port = 0;
  #mode: FaultMode | undefined;

  private constructor(options: ProxyOptions) {
    this.#options = options;
  }

  static async start(options: ProxyOptions): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(options);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections that stand now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Begins a fault, or ends it. Connections that stand break, as those to a peer that dies or is started anew. */
  async fail(mode: FaultMode | undefined): Promise<void> {
    this.#mode = mode;
    if (this.#options.sparesStanding !== true && mode !== 'hang') this.#breakAll();
    if (mode === 'refused') await this.#close();
    else if (this.#server === undefined) await this.#listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#breakAll();
    await this.#close();
  }

  async #listen(): Promise<void> {
    const server = createServer((client) => {
      this.#accept(client);
    });
    server.listen(this.#port, this.#options.host ?? '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port; // TCP: never a string
    this.#server = server;
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    // Not its end: connections that are spared may stand on.
    server.close();
    await Promise.resolve();
  }

  #breakAll(): void {
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  #accept(client: Socket): void {
    const upstream = connect(this.#options.target(client.localAddress ?? '127.0.0.1'));
    const pair: Pair = { client, upstream, mode: this.#mode };
    this.#pairs.add(pair);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined); // `close` follows
      socket.on('close', end);
    }
    client.on('data', (bytes) => {
      this.#fromClient(pair, bytes);
    });
    upstream.on('data', (bytes) => {
      this.#fromPeer(pair, bytes);
    });
    // Some wait for the peer's first word.
    if (this.#modeOf(pair) === 'garbage') client.write(GARBAGE);
  }

  /** The fault that a connection has: a spared one that of its beginning. */
  #modeOf({ mode }: Pair): FaultMode | undefined {
    return this.#options.sparesStanding === true ? mode : this.#mode;
  }

  #fromClient(pair: Pair, bytes: Buffer): void {
    const mode = this.#modeOf(pair);
    if (mode === 'hang') return;
    if (mode === 'garbage' || mode === '5xx') {
      pair.client.end(mode === '5xx' ? UNAVAILABLE : GARBAGE);
      return;
    }
    pair.upstream.write(bytes);
  }

  #fromPeer(pair: Pair, bytes: Buffer): void {
    const mode = this.#modeOf(pair);
    if (mode === undefined) pair.client.write(bytes);
    else if (mode === 'slow') void this.#writeLate(pair, bytes);
    else if (mode === 'cut') pair.client.write(bytes.subarray(0, bytes.length / 2), () => pair.client.destroy());
  }

  async #writeLate({ client }: Pair, bytes: Buffer): Promise<void> {
    await systemClock.sleep(SLOW_MS);
    if (!client.destroyed) client.write(bytes);
  }
}
