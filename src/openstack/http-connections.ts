import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { createSecureContext } from 'node:tls';
import { Agent } from 'undici';
import { RequestRefusedError } from '../provider/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { redact } from '../runtime/redact.ts';
import type { Secret } from '../runtime/secret.ts';
import { exchange, type HttpRequest, type RawAnswer } from './http-exchange.ts';

/** Shorter than the peers' (Apache closes an idle connection after 5 s), so that we never write into a closing one. */
const KEEP_ALIVE_MS = 3_500;
const CONNECT_TIMEOUT_MS = 10_000;
const LONGEST_ID = 100;

export type TlsOptions = {
  readonly verify: boolean;
  /** PEM file of the only authorities to trust. */
  readonly cacert?: string;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The parsed body; undefined where the content type is not JSON, the body is empty or broken. */
  readonly json: unknown;
  /** A body that is not JSON, for error messages. */
  readonly text: string;
  /** What the operators of the cloud find in their logs. */
  readonly requestId: string | undefined;
  /** Those of the request: they may stand in `json` and `text`. */
  readonly secrets?: readonly Secret[];
};

export type ConnectionDeps = {
  readonly clock: Clock;
  readonly log: Logger;
};

/** The connections to one cloud: kept alive and reused, with one certificate policy. */
export class HttpConnections {
  readonly #tls: TlsOptions;
  readonly #perOrigin: number;
  readonly #deps: ConnectionDeps;
  #agent: Promise<Agent> | undefined;
  #closed = false;

  /** @param perOrigin most connections to one host and port */
  constructor(tls: TlsOptions, perOrigin: number, deps: ConnectionDeps) {
    this.#tls = tls;
    this.#perOrigin = perOrigin;
    this.#deps = deps;
  }

  /**
   * Sends one request and reads the whole answer, whatever its status.
   * @throws {NotSentError} nothing was written
   * @throws {AnswerLostError} it was written and no whole answer came
   * @throws {RequestRefusedError} the cacert file cannot be read, or the peer's certificate is not trusted
   */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { clock } = this.#deps;
    const agent = await this.#open();
    const startedMs = clock.monotonicMs();
    // Its path may be a peer's: the link to a next page.
    const line = redact(`${request.method} ${request.url.pathname}${request.url.search}`, request.secrets ?? []);
    try {
      const answer = readAnswer(await exchange(agent, request, signal), request.secrets ?? []);
      this.#log(line, { status: answer.status, ms: since(startedMs, clock), request: answer.requestId });
      return answer;
    } catch (error) {
      this.#log(line, { status: 'none', ms: since(startedMs, clock), error });
      throw error;
    }
  }

  /** Ends all connections; requests under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const agent = await this.#agent?.catch(() => undefined); // never opened: nothing to end
    await agent?.destroy();
  }

  async #open(): Promise<Agent> {
    if (this.#closed) throw new RequestRefusedError('Cannot send a request: the provider is closed');
    this.#agent ??= openAgent(this.#tls, this.#perOrigin);
    try {
      return await this.#agent;
    } catch (error) {
      this.#agent = undefined; // the file may be there at the next call
      throw error;
    }
  }

  #log(line: string, facts: Readonly<Record<string, unknown>>): void {
    this.#deps.log.debug(line, facts);
  }
}

async function openAgent(tls: TlsOptions, connections: number): Promise<Agent> {
  const { cacert } = tls;
  // One context for all connections: building it takes tens of milliseconds.
  const secureContext = cacert === undefined ? undefined : createSecureContext({ ca: await readCacert(cacert) });
  return new Agent({
    connections,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0, // the deadline of the call is the only one
    bodyTimeout: 0,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      rejectUnauthorized: tls.verify,
      ...(secureContext !== undefined && { secureContext }),
    },
  });
}

async function readCacert(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new RequestRefusedError(`Cannot read cacert "${path}"`, { cause: error });
  }
}

/** What the answer says. Whatever is shown of it must be without the request's secrets: some error pages give them back. */
function readAnswer({ status, headers, body }: RawAnswer, secrets: readonly Secret[]): HttpAnswer {
  const type = redact(headers['content-type'] ?? '', secrets);
  const id = requestIdOf(headers);
  return {
    status,
    headers: type === '' ? headers : { ...headers, 'content-type': type },
    ...readBody(type, body.toString('utf8')),
    requestId: id === undefined ? undefined : redact(id, secrets).slice(0, LONGEST_ID),
    secrets,
  };
}

function readBody(type: string, text: string): { readonly json: unknown; readonly text: string } {
  if (!type.includes('json')) return { json: undefined, text };
  try {
    return { json: JSON.parse(text) as unknown, text: '' };
  } catch {
    return { json: undefined, text }; // who expects JSON finds none and says so
  }
}

function requestIdOf(headers: IncomingHttpHeaders): string | undefined {
  const id = headers['x-openstack-request-id'] ?? headers['x-compute-request-id'];
  return typeof id === 'string' ? id : undefined;
}

function since(startedMs: number, clock: Clock): number {
  return Math.round(clock.monotonicMs() - startedMs);
}
