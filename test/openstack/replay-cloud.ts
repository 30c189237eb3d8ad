import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** One recorded answer, or a fault in its place. */
export type Reply = {
  /** Default 200. */
  readonly status?: number;
  readonly json?: unknown;
  /** A body that is not JSON, or broken JSON. */
  readonly text?: string;
  /** Default `application/json`. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * `hang`: no answer ever. `cut`: the connection ends without one. `cut-body`: it ends in the middle of the body.
   * `stall`: the request's body is never read. `cut-request`: the connection ends in the middle of that body.
   */
  readonly fault?: 'hang' | 'cut' | 'cut-body' | 'stall' | 'cut-request';
  /** The answer comes before the request's body was read. */
  readonly isEarly?: boolean;
};

export type SeenRequest = {
  /** Method and path, e.g. `POST /v2.1/servers`. */
  readonly line: string;
  readonly query: string;
  readonly headers: IncomingMessage['headers'];
  /** JSON, or a Buffer of an upload; undefined where it was not read. */
  readonly body: unknown;
};

/** The recorded body `name` of test/fixtures/openstack. */
export function recorded(name: string): unknown {
  const file = new URL(`../fixtures/openstack/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** All services of one cloud behind one port, answering as recorded. A test adds or replaces answers. */
export class ReplayCloud implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  readonly #replies = new Map<string, Reply[]>();
  readonly #sockets = new Set<Socket>();
  readonly #watchers = new Set<() => void>();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy()); // the client left in the middle
  });
  connections = 0;

  static async start(): Promise<ReplayCloud> {
    const cloud = new ReplayCloud();
    await cloud.#listen();
    cloud.on('POST /v3/auth/tokens', cloud.login('token-1'));
    cloud.on('GET /', { status: 300, json: recorded('identity-root') });
    cloud.on('GET /v2.1/flavors/detail', { json: recorded('flavors') });
    cloud.on('GET /v2.0/networks', { json: recorded('networks') });
    cloud.on('GET /v2.1/limits', { json: recorded('limits') });
    return cloud;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Answers for `METHOD /path`, in turn; the last one stays. A key with a query is for that query only. */
  on(line: string, ...replies: readonly Reply[]): void {
    this.#replies.set(line, [...replies]);
  }

  /** A good login that gives `token`, valid for `seconds`. */
  login(token: string, seconds = 3600): Reply {
    const body = JSON.stringify(recorded('login')).replaceAll(/http:\/\/<HOST>:\d+/g, this.url);
    const issuedMs = Date.parse('2026-11-21T09:35:23.000000Z');
    const login = JSON.parse(body) as { token: Record<string, unknown> };
    login.token['expires_at'] = new Date(issuedMs + seconds * 1000).toISOString();
    return { status: 201, json: login, headers: { 'x-subject-token': token } };
  }

  seen(line: string): readonly SeenRequest[] {
    return this.requests.filter((request) => request.line === line);
  }

  /** Resolves when `count` such requests have come. */
  arrived(line: string, count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.seen(line).length < count) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.stop();
  }

  #listen(): Promise<void> {
    this.#server.on('connection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const line = `${request.method ?? ''} ${path}`;
    const reply = this.#next(`${line}?${query}`) ?? this.#next(line) ?? { status: 404, json: {} };
    const body = await readBody(request, reply);
    this.requests.push({ line, query, headers: request.headers, body });
    send(reply, response);
    for (const watcher of this.#watchers) watcher();
  }

  #next(key: string): Reply | undefined {
    const replies = this.#replies.get(key);
    return replies !== undefined && replies.length > 1 ? replies.shift() : replies?.[0];
  }
}

/** As much of it as the reply lets. */
async function readBody(request: IncomingMessage, { fault, isEarly }: Reply): Promise<unknown> {
  if (fault === 'cut-request') await once(request, 'data');
  if (fault === 'cut-request' || fault === 'stall' || isEarly === true) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (request.headers['content-type'] === 'application/octet-stream') return bytes;
  return bytes.length === 0 ? undefined : JSON.parse(bytes.toString());
}

function send(reply: Reply, response: ServerResponse): void {
  if (reply.fault === 'hang' || reply.fault === 'stall') return;
  if (reply.fault === 'cut' || reply.fault === 'cut-request') {
    response.destroy();
    return;
  }
  const text = reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json));
  response.writeHead(reply.status ?? 200, {
    'content-type': reply.type ?? 'application/json',
    'content-length': Buffer.byteLength(text),
    'x-openstack-request-id': 'req-1',
    ...reply.headers,
  });
  if (reply.fault === 'cut-body') response.write(text.slice(0, text.length / 2), () => response.destroy());
  else response.end(text);
}
