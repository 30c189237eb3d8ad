import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One recorded request with its answer. The host of the recording is the manager's URL. */
export type Exchange = {
  readonly method: string;
  /** Path and query as recorded. */
  readonly path: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What the stand-in does with the next request: answer it as recorded, say nothing, or cut the connection. */
export type ScriptedAnswer = {
  /** `METHOD PATH`; default: what the recording asked. A query that is left out is not compared. */
  readonly to?: string;
  readonly with: Exchange | 'hang' | 'cut';
};

/** The user's secrets, by the names that the recordings give them. */
export const RECORDED_SECRETS = { APITOKEN: 'api-token', PASSWORD: 'password', WRONG: 'wrong' } as const;
const RECORDED_BASE = 'http://127.0.0.1:22080';

/**
 * A recorded exchange of test/fixtures/jenkins, by file name and title.
 * @throws {Error} there is none
 */
export function recorded(file: string, title: string): Exchange {
  const text = readFileSync(new URL(`../fixtures/jenkins/${file}.txt`, import.meta.url), 'utf8');
  const block = text.split(/^### /m).find((one) => one.startsWith(`${title}\n`));
  if (block === undefined) throw new Error(`There is no exchange "${title}" in ${file}.txt`);
  return parseExchange(block);
}

function parseExchange(block: string): Exchange {
  const [request = '', answer = ''] = block.split(/^(?=< \d{3})/m);
  const [line = '', ...rest] = request.split('\n').slice(1);
  const [method = '', path = ''] = line.slice(2).split(' ');
  const [answerLine = '', ...answerRest] = answer.split('\n');
  return {
    method,
    path,
    requestHeaders: headersOf(rest, '>'),
    requestBody:
      /^> (<\?xml[\s\S]*|this is.*|\[body\] .*)$/m.exec(request)?.[1]?.replace('[body] ', '').trimEnd() ?? '',
    status: Number(answerLine.slice(2, 5)),
    headers: headersOf(answerRest, '<'),
    body: bodyOf(answerRest.join('\n')),
  };
}

function headersOf(lines: readonly string[], mark: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const header = new RegExp(`^${mark} ([A-Za-z-]+): (.*)$`).exec(line);
    if (header?.[1] !== undefined) headers[header[1].toLowerCase()] = header[2] ?? '';
  }
  return headers;
}

/** The recordings show a line end in a body as the two characters `\n`, sometimes with a blank after it. */
function bodyOf(answer: string): string {
  const body = /^< \[\d+ bytes\] ?([\s\S]*)$/m.exec(answer)?.[1]?.trimEnd() ?? '';
  return body.startsWith('{') ? body : body.replaceAll(/\\n ?/g, '\n');
}

/** A server that answers as Jenkins was recorded to, in the given order, and notes every request that differs. */
export class RecordedJenkins implements AsyncDisposable {
  /** Differences between what was asked and what the recordings ask; a test expects none. */
  readonly complaints: string[] = [];
  /** `METHOD PATH` of every request. */
  readonly requests: string[] = [];
  /** The headers of every request. */
  readonly requestHeaders: IncomingMessage['headers'][] = [];
  readonly bodies: string[] = [];
  readonly #script: ScriptedAnswer[];
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #watchers = new Set<() => void>();

  private constructor(script: readonly ScriptedAnswer[]) {
    this.#script = [...script];
  }

  static async start(script: readonly ScriptedAnswer[]): Promise<RecordedJenkins> {
    const jenkins = new RecordedJenkins(script);
    await new Promise<void>((resolve) => jenkins.#server.listen(0, '127.0.0.1', resolve));
    return jenkins;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many of the scripted answers were not asked for. */
  get unused(): number {
    return this.#script.length;
  }

  /** Resolves when that many requests have come. */
  untilRequests(count: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.requests.length < count) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const asked = `${request.method ?? ''} ${request.url ?? ''}`;
    this.requests.push(asked);
    this.requestHeaders.push(request.headers);
    this.bodies.push(body);
    const next = this.#script.shift();
    if (next === undefined) this.complaints.push(`${asked}: nothing more was expected`);
    for (const watcher of this.#watchers) watcher();
    if (next === undefined || next.with === 'cut') response.destroy();
    else if (next.with !== 'hang')
      this.#reply({ asked, headers: request.headers }, { ...next, with: next.with }, response);
  }

  #reply(
    request: { readonly asked: string; readonly headers: IncomingMessage['headers'] },
    next: ScriptedAnswer & { readonly with: Exchange },
    response: ServerResponse,
  ): void {
    const exchange = next.with;
    const expected = next.to ?? `${exchange.method} ${exchange.path}`;
    if (!sameRequest(request.asked, expected)) this.complaints.push(`${request.asked}: expected ${expected}`);
    const authorization = expectedAuthorization(exchange);
    if (next.to === undefined && request.headers.authorization !== authorization) {
      this.complaints.push(`${request.asked}: authorization is ${request.headers.authorization ?? 'absent'}`);
    }
    for (const [name, value] of Object.entries(exchange.headers)) {
      response.setHeader(name, value.replace(RECORDED_BASE, this.url));
    }
    response.writeHead(exchange.status);
    response.end(exchange.body);
  }
}

function expectedAuthorization(exchange: Exchange): string | undefined {
  const secret = /<jenkins:(APITOKEN|PASSWORD|WRONG)>/.exec(exchange.requestHeaders['authorization'] ?? '')?.[1];
  if (secret === undefined) return undefined;
  const value = RECORDED_SECRETS[secret as keyof typeof RECORDED_SECRETS]; // the expression allows no other
  return `Basic ${Buffer.from(`jenkins:${value}`).toString('base64')}`;
}

/** The same call, however its query is escaped and ordered. */
function sameRequest(asked: string, expected: string): boolean {
  const [a, b] = [asked, expected].map((line) => {
    const [method = '', target = ''] = line.split(' ', 2);
    const url = new URL(target, RECORDED_BASE);
    return { path: `${method} ${url.pathname}`, query: [...url.searchParams].map(normalized) };
  });
  if (a?.path !== b?.path) return false;
  return b?.query.length === 0 || JSON.stringify(a?.query) === JSON.stringify(b?.query);
}

/** Key order within the form is Python's in the recordings, which means nothing. */
function normalized([key, value]: [string, string]): readonly [string, string] {
  return [key, key === 'json' ? JSON.stringify(sorted(JSON.parse(value))) : value];
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
