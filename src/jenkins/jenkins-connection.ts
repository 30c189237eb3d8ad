import { Pool } from 'undici';
import type { JenkinsConfig, TargetConfig } from '../config/config.ts';
import { TransientProviderError, UnknownOutcomeError } from '../provider/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { asError, describeError, isAbort } from '../runtime/errors.ts';
import { RequestGate } from '../runtime/request-gate.ts';
import { Secret } from '../runtime/secret.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { classifyJenkinsFailure, type JenkinsAnswer, wantsCrumb } from './jenkins-answer.ts';
import { type JenkinsCrumb, readCrumb } from './jenkins-crumb.ts';
import { readJenkinsAnswer } from './read-jenkins-answer.ts';

export type JenkinsConnectionDeps = {
  readonly clock: Clock;
  readonly tasks: TaskBoard;
  /** After each call: upstream's name of it (statsd `nodepool.task.TARGET.NAME`) and how long it took. */
  readonly onCall?: (name: string, ms: number) => void;
};

export type JenkinsRequest = {
  /** Upstream's name of the call, e.g. `CreateNodeTask`. */
  readonly task: string;
  readonly method: 'GET' | 'POST';
  /** Below the manager's URL, percent-encoded, with its query: `/computer/n1/doDelete`. */
  readonly path: string;
  /** An XML document; without one a POST has no body. */
  readonly xml?: string;
  /** Higher goes first. Default 0. */
  readonly priority?: number;
  /** A POST that may be done twice: it is sent again when its connection breaks. Reads always are. */
  readonly isRepeatable?: boolean;
};

const CALL_TIMEOUT_MS = 30_000;
// The server closes after 5 s; a POST that meets the closing has an unknown outcome.
const KEEP_ALIVE_MS = 3_000;
// Jenkins answers reads in 20 ms while it works on six creates.
const CONCURRENCY = 6;
const MAX_QUEUED = 10_000;

/** HTTP to one manager: its pace, its log-in, its crumb. Follows no redirect. */
export class JenkinsConnection {
  readonly #target: string;
  readonly #pool: Pool;
  readonly #prefix: string;
  readonly #authorization: Readonly<Record<string, string>>;
  /** The same as peers may give it back. */
  readonly #secrets: readonly Secret[];
  readonly #gate: RequestGate;
  readonly #deps: JenkinsConnectionDeps;
  readonly #closed = new AbortController();
  #crumb: JenkinsCrumb | undefined;
  #crumbFetch: Promise<JenkinsCrumb | undefined> | undefined;

  constructor(target: TargetConfig, jenkins: JenkinsConfig, deps: JenkinsConnectionDeps) {
    this.#target = target.name;
    this.#deps = deps;
    this.#authorization = basicAuthorization(jenkins);
    this.#secrets =
      jenkins.apiKey === undefined
        ? []
        : [jenkins.apiKey, new Secret(`${jenkins.user ?? ''}:${jenkins.apiKey.reveal()}`)];
    const url = new URL(jenkins.url);
    this.#prefix = url.pathname.replace(/\/+$/, '');
    this.#pool = new Pool(url.origin, {
      connections: CONCURRENCY,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // The gate's deadline bounds the whole call.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const gate = { minGapMs: target.minRequestGapMs, concurrency: CONCURRENCY, maxQueued: MAX_QUEUED };
    this.#gate = new RequestGate(
      { name: `Jenkins of target "${target.name}"`, deadlineMs: CALL_TIMEOUT_MS, ...gate },
      deps,
    );
  }

  /**
   * Asks Jenkins and gives its answer, whatever its status but 401 and 403: those that no fresh crumb mends throw.
   * @throws {CredentialsRefusedError} 401 or 403
   * @throws {UnknownOutcomeError} a POST was sent and its answer is lost
   * @throws {TransientProviderError} refused, reset, too slow
   */
  async send(request: JenkinsRequest, signal: AbortSignal): Promise<JenkinsAnswer> {
    const used = this.#crumb;
    let answer = await this.#sendAgainIfCut(request, used, signal);
    if (request.method === 'POST' && wantsCrumb(answer)) {
      const fresh = await this.#freshCrumb(used);
      if (fresh !== undefined) answer = await this.#sendAgainIfCut(request, fresh, signal);
    }
    if (answer.status === 401 || answer.status === 403) {
      throw classifyJenkinsFailure({ target: this.#target, task: request.task }, answer);
    }
    return answer;
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('The connection to Jenkins is closed'));
    await this.#pool.destroy();
  }

  /** A crumb other than `used`; undefined: the issuer is off. Calls at the same time share one request. */
  async #freshCrumb(used: JenkinsCrumb | undefined): Promise<JenkinsCrumb | undefined> {
    if (this.#crumb !== undefined && this.#crumb !== used) return this.#crumb;
    this.#crumb = undefined;
    this.#crumbFetch ??= this.#fetchCrumb().finally(() => {
      this.#crumbFetch = undefined;
    });
    this.#crumb = await this.#crumbFetch;
    return this.#crumb;
  }

  async #fetchCrumb(): Promise<JenkinsCrumb | undefined> {
    const request = { task: 'GetCrumbTask', method: 'GET', path: '/crumbIssuer/api/json', priority: 3 } as const;
    // Not a caller's signal: others wait for the same crumb.
    const answer = await this.#sendOnce(request, undefined, this.#closed.signal);
    return readCrumb({ target: this.#target, task: request.task }, answer);
  }

  /** A kept connection may be closed by a restart of Jenkins, or of a proxy, in the moment it is used. */
  async #sendAgainIfCut(
    request: JenkinsRequest,
    crumb: JenkinsCrumb | undefined,
    signal: AbortSignal,
  ): Promise<JenkinsAnswer> {
    try {
      return await this.#sendOnce(request, crumb, signal);
    } catch (error) {
      const isRepeatable = request.method === 'GET' || request.isRepeatable === true;
      if (!isRepeatable || !isCut(error)) throw error;
      return await this.#sendOnce(request, crumb, signal);
    }
  }

  async #sendOnce(
    request: JenkinsRequest,
    crumb: JenkinsCrumb | undefined,
    signal: AbortSignal,
  ): Promise<JenkinsAnswer> {
    const progress = { sent: false };
    try {
      return await this.#gate.run(gated(request), signal, async (inner) => {
        progress.sent = true;
        return await this.#measured(request, () => this.#exchange(request, crumb, inner));
      });
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      const message = `Jenkins of target "${this.#target}" does not answer ${request.task}: ${describeError(error)}`;
      const isUnknown = progress.sent && request.method === 'POST' && !isConnectFailure(error);
      throw new (isUnknown ? UnknownOutcomeError : TransientProviderError)(message, { cause: asError(error) });
    }
  }

  async #exchange(
    request: JenkinsRequest,
    crumb: JenkinsCrumb | undefined,
    signal: AbortSignal,
  ): Promise<JenkinsAnswer> {
    const contentType = request.xml === undefined ? 'application/x-www-form-urlencoded' : 'text/xml';
    const response = await this.#pool.request({
      method: request.method,
      path: `${this.#prefix}${request.path}`,
      headers: {
        ...this.#authorization,
        ...(request.method === 'POST' && { 'content-type': contentType, ...crumb?.headers }),
      },
      ...(request.xml !== undefined && { body: request.xml }),
      signal,
    });
    const secrets = [...this.#secrets, ...secretsOf(crumb)];
    return await readJenkinsAnswer(response, { now: this.#deps.clock.now(), secrets });
  }

  async #measured<T>(request: JenkinsRequest, work: () => Promise<T>): Promise<T> {
    const startedMs = this.#deps.clock.monotonicMs();
    try {
      return await work();
    } finally {
      this.#deps.onCall?.(request.task, this.#deps.clock.monotonicMs() - startedMs);
    }
  }
}

/** With its cookie a crumb opens a session. */
function secretsOf(crumb: JenkinsCrumb | undefined): readonly Secret[] {
  return Object.values(crumb?.headers ?? {}).map((value) => new Secret(value));
}

function gated(request: JenkinsRequest): { readonly name: string; readonly priority: number } {
  return { name: request.task, priority: request.priority ?? 0 };
}

/** Sent with the first request: Jenkins answers 403, not a challenge, to those who wait to be asked. */
function basicAuthorization({ user, apiKey }: JenkinsConfig): Readonly<Record<string, string>> {
  if (user === undefined || apiKey === undefined) return {};
  const credentials = Buffer.from(`${user}:${apiKey.reveal()}`).toString('base64');
  return { authorization: `Basic ${credentials}` };
}

const CONNECT_FAILURES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** True if the request surely never left. */
function isConnectFailure(error: unknown): boolean {
  return CONNECT_FAILURES.has(codeOf(error));
}

const CUTS = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** True if the connection broke under the request: not if it could not be made, nor if nothing came in time. */
function isCut(error: unknown): boolean {
  return error instanceof TransientProviderError && CUTS.has(codeOf(error.cause));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
