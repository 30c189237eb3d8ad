import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { echoesOf, secretsIn } from './secret-spellings.ts';

/** What a path gets instead of an error page. */
export type GoodAnswer = { readonly status: number; readonly json: unknown; readonly headers?: Record<string, string> };

/** A server whose error pages give back all that it was sent, in every spelling; in turn as JSON, HTML and headers. */
export class EchoingPeer implements AsyncDisposable {
  /** `METHOD /path` of all requests. */
  readonly requests: string[] = [];
  /** Names of the secrets that were in requests and given back. */
  readonly received = new Set<string>();
  readonly #good = new Map<string, GoodAnswer>();
  readonly #refused: { readonly line: RegExp; readonly status: number }[] = [];
  readonly #secrets: ReadonlyMap<string, string>;
  readonly #watchers = new Set<() => void>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  private constructor(secrets: ReadonlyMap<string, string>) {
    this.#secrets = secrets;
  }

  /** @param secrets by name: given back in every spelling where the request holds it in some */
  static async start(secrets: ReadonlyMap<string, string>): Promise<EchoingPeer> {
    const peer = new EchoingPeer(secrets);
    peer.#server.listen(0, '127.0.0.1');
    await once(peer.#server, 'listening');
    return peer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // TCP: never a string
  }

  /** Answers `METHOD /path` well from now on. */
  on(line: string, answer: GoodAnswer): void {
    this.#good.set(line, answer);
  }

  /** Answers such lines (`METHOD /path`) with that status and an echo from now on, whatever was said before. */
  refuse(line: RegExp, status: number): void {
    this.#refused.push({ line, status });
  }

  /** Resolves when that many requests of the kind have come. */
  async seen(line: RegExp, count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.requests.filter((each) => line.test(each)).length < count) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const line = `${request.method ?? ''} ${(request.url ?? '').split('?', 1)[0] ?? ''}`;
    this.requests.push(line);
    const good = this.#good.get(line);
    const sent = JSON.stringify([request.method, request.url, request.rawHeaders, body]);
    const refused = this.#refused.find((each) => each.line.test(line));
    if (refused !== undefined) this.#echo(sent, response, refused.status);
    else if (good === undefined) this.#echo(sent, response);
    else
      response
        .writeHead(good.status, { 'content-type': 'application/json', ...good.headers })
        .end(JSON.stringify(good.json));
    for (const watcher of this.#watchers) watcher();
  }

  #echo(sent: string, response: ServerResponse, refusal?: number): void {
    const turn = this.requests.length;
    const held = secretsIn(sent, this.#secrets).map((name) => this.#secrets.get(name) ?? '');
    for (const name of secretsIn(sent, this.#secrets)) this.received.add(name);
    const told = `${held.flatMap(echoesOf).join(' | ')} ${sent}`;
    const header = told.replaceAll(/[^ -~]/g, '?').slice(0, 4000);
    const status = refusal ?? [400, 401, 403, 404, 500, 503][turn % 6] ?? 500;
    const named = { 'x-error': header, 'x-openstack-request-id': header };
    if (turn % 3 === 0) {
      response.writeHead(status, { 'content-type': 'application/json', ...named });
      response.end(JSON.stringify({ error: { message: told, code: status } }));
    } else if (turn % 3 === 1 || refusal !== undefined) {
      response.writeHead(status, { 'content-type': 'text/html', ...named });
      response.end(`<html><head><title>${told}</title></head><body>${told}</body></html>`);
    } else {
      response.writeHead(200, { 'content-type': turn % 2 === 0 ? `text/plain; ${header}` : 'application/json' });
      response.end(told);
    }
  }
}
