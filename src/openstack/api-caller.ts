import type { CloudConfig } from '../config/config.ts';
import { TransientProviderError, UnknownOutcomeError } from '../provider/errors.ts';
import { type Backoff, backoffMs } from '../runtime/backoff.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { DeadlineExceededError, ProtocolError, QueueFullError } from '../runtime/errors.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { RequestGate } from '../runtime/request-gate.ts';
import { callUrl, endpointOf, hasEndpoint, type ServiceName } from './catalog.ts';
import { classifyNovaFailure, parseRetryAfter } from './classify-nova-failure.ts';
import type { HttpAnswer, HttpConnections } from './http-connections.ts';
import { AnswerLostError, type HttpRequest, NotSentError } from './http-exchange.ts';
import { microversionHeaders } from './microversion.ts';
import { beginContent, type StreamedBody } from './request-content.ts';
import type { Session, Token } from './session.ts';

const RETRY: Backoff = { firstMs: 500, maxMs: 10_000 };

/** Names of calls as statsd knows them (shade's task classes): `nodepool.task.PROVIDER.NAME`. */
export type CallName =
  | 'ServerCreate'
  | 'ServerList'
  | 'ServerGet'
  | 'ServerDelete'
  | 'ServerConsoleGet'
  | 'FlavorList'
  | 'ImageGet'
  | 'ImageList'
  | 'ImageCreate'
  | 'ImageUpload'
  | 'ImageUpdate'
  | 'ImageTaskCreate'
  | 'ImageTaskGet'
  | 'ImageDelete'
  | 'ImageSnapshotCreate'
  | 'KeypairCreate'
  | 'KeypairGet'
  | 'KeypairList'
  | 'KeypairDelete'
  | 'NetworkList'
  | 'NeutronExtensionGet'
  | 'NeutronFloatingIPList'
  | 'NeutronFloatingIPCreate'
  | 'NeutronFloatingIPUpdate'
  | 'NeutronFloatingIPDelete'
  | 'FloatingIPPoolList'
  | 'NovaFloatingIPList'
  | 'NovaFloatingIPCreate'
  | 'NovaFloatingIPAttach'
  | 'NovaFloatingIPDelete'
  | 'PortList'
  | 'PortDelete'
  | 'NovaLimitsGet'
  | 'ContainerCreate'
  | 'ObjectCreate'
  | 'ObjectDelete';

export type ApiCall<T> = {
  readonly name: CallName;
  readonly service: ServiceName;
  readonly method: HttpRequest['method'];
  /** Below the service's endpoint, with the query: `/servers/detail?limit=10`. */
  readonly path: string;
  readonly body?: object;
  /** Beside those that every call has; a content type of its own for `body`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A long body in place of `body`. Such a call is no ordinary one: it waits for its pace, then goes its own way. */
  readonly stream?: StreamedBody;
  /** Whether doing it twice does no harm. Only such a call is tried again. */
  readonly repeatable: boolean;
  /** Statuses beside 2xx that `read` understands, e.g. 404. */
  readonly accept?: readonly number[];
  /**
   * What the answer says.
   * @throws {ProtocolError} it cannot be read
   */
  readonly read: (answer: HttpAnswer) => T;
};

/** One HTTP exchange that ended, for metrics. `ms` does not count the wait for its turn. */
export type CallReport = { readonly name: CallName; readonly ms: number; readonly failed: boolean };

/** Own queue and connections for what takes long, else a few uploads would hold up all other calls. */
export type StreamLane = {
  readonly http: HttpConnections;
  readonly gate: RequestGate;
  /** Longest time for one call. */
  readonly timeoutMs: number;
};

export type ApiCallerDeps = {
  readonly session: Session;
  readonly http: HttpConnections;
  readonly gate: RequestGate;
  readonly streams: StreamLane;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly onCall?: (report: CallReport) => void;
};

export type ApiCallerOptions = {
  readonly provider: string;
  readonly cloud: CloudConfig;
  /** Longest time for one call, tries and the pauses between them included. */
  readonly timeoutMs: number;
  readonly microversion: string;
};

/** How far one call has come, over all its tries. */
type Progress = { startedMs: number | undefined; sent: boolean };

/** Makes API calls: login, pace, deadline, repetition and translation of failures are all here. */
export class ApiCaller {
  readonly #options: ApiCallerOptions;
  readonly #deps: ApiCallerDeps;

  constructor(options: ApiCallerOptions, deps: ApiCallerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Makes the call; a repeatable one again and again within its deadline while the failure may pass.
   * @throws {QuotaExceededError} no room
   * @throws {RequestRefusedError} the cloud does not do that
   * @throws {CredentialsRefusedError} 401 after a fresh login
   * @throws {TransientProviderError} it fails in a way that may pass
   * @throws {UnknownOutcomeError} not repeatable, and whether it was done is unknown
   * @throws {DeadlineExceededError} repeatable, and no answer in time
   */
  async call<T>(call: ApiCall<T>, signal: AbortSignal): Promise<T> {
    const progress: Progress = { startedMs: undefined, sent: false };
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#tryOnce(call, progress, signal);
      } catch (error) {
        const pauseMs = this.#pauseAfter(error, tries);
        if (!call.repeatable || pauseMs === undefined || pauseMs >= this.#leftMs(progress)) throw error;
        if (progress.startedMs === undefined) throw error; // it never got its turn, so no deadline would end this
        await this.#deps.clock.sleep(pauseMs, signal);
      }
    }
  }

  /** The project that the credentials name; logs in if need be. */
  async projectId(signal: AbortSignal): Promise<string | undefined> {
    return (await this.#deps.session.token(signal)).projectId;
  }

  /** Whether the cloud has that service; logs in if need be. */
  async has(service: ServiceName, signal: AbortSignal): Promise<boolean> {
    return hasEndpoint(service, (await this.#deps.session.token(signal)).catalog, this.#options.cloud);
  }

  async #tryOnce<T>(call: ApiCall<T>, progress: Progress, signal: AbortSignal): Promise<T> {
    const { name } = call;
    progress.sent = false;
    try {
      const gate = await this.#gateFor(call, signal);
      return await gate.run({ name, priority: priorityOf(name) }, signal, async (inner) => {
        progress.startedMs ??= this.#deps.clock.monotonicMs();
        const ms = call.stream === undefined ? this.#leftMs(progress) : this.#deps.streams.timeoutMs;
        const deadline = { what: `${name} of provider ${this.#options.provider}`, ms };
        return await withDeadline(deadline, { clock: this.#deps.clock, signal: inner }, (last) =>
          this.#report(name, () => this.#askWithLogin(call, progress, last)),
        );
      });
    } catch (error) {
      throw this.#translate(error, call, progress);
    }
  }

  /** A streamed call keeps the pace of all, and then frees its place. */
  async #gateFor({ name, stream }: ApiCall<unknown>, signal: AbortSignal): Promise<RequestGate> {
    const { gate, streams } = this.#deps;
    if (stream === undefined) return gate;
    await gate.run({ name, priority: priorityOf(name) }, signal, () => Promise.resolve());
    return streams.gate;
  }

  async #report<T>(name: CallName, work: () => Promise<T>): Promise<T> {
    const { clock, onCall } = this.#deps;
    const startedMs = clock.monotonicMs();
    let failed = true;
    try {
      const result = await work();
      failed = false;
      return result;
    } finally {
      onCall?.({ name, ms: clock.monotonicMs() - startedMs, failed });
    }
  }

  /** A token may have been revoked: a 401 did nothing, so even a create goes again, once, with a fresh one. */
  async #askWithLogin<T>(call: ApiCall<T>, progress: Progress, signal: AbortSignal): Promise<T> {
    const { session } = this.#deps;
    const token = await session.token(signal);
    const answer = await this.#ask(call, { token, progress }, signal);
    if (answer.status !== 401) return this.#read(call, answer);
    session.discard(token, answer);
    progress.sent = false;
    const fresh = await session.token(signal);
    return this.#read(call, await this.#ask(call, { token: fresh, progress }, signal));
  }

  async #ask(
    call: ApiCall<unknown>,
    state: { readonly token: Token; readonly progress: Progress },
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { cloud, microversion } = this.#options;
    const { token, progress } = state;
    const url = callUrl(endpointOf(call.service, token.catalog, cloud), call.path);
    using content = beginContent(call);
    const headers = {
      accept: 'application/json',
      'x-auth-token': token.secret.reveal(),
      ...(call.service === 'compute' && microversionHeaders(microversion)),
      ...content.headers,
      ...call.headers,
    };
    const secrets = [token.secret];
    const request = { method: call.method, url, headers, secrets, onSending: () => (progress.sent = true) };
    const body = content.body === undefined ? {} : { body: content.body };
    const { http } = call.stream === undefined ? this.#deps : this.#deps.streams;
    return await http.send({ ...request, ...body }, signal);
  }

  #read<T>(call: ApiCall<T>, answer: HttpAnswer): T {
    const good = answer.status >= 200 && answer.status < 300;
    if (good || call.accept?.includes(answer.status) === true) return call.read(answer);
    const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], this.#deps.clock.now());
    const { provider } = this.#options;
    throw classifyNovaFailure({
      ...answer,
      provider,
      call: call.name,
      repeatable: call.repeatable,
      retryAfterMs,
    });
  }

  /** Transport failures in our vocabulary; what is in it already passes through. */
  #translate(error: unknown, call: ApiCall<unknown>, progress: Progress): unknown {
    const what = `${call.name} in "${this.#options.provider}"`;
    if (error instanceof NotSentError || error instanceof QueueFullError) {
      return new TransientProviderError(`${what} was not sent`, { cause: error });
    }
    const late = error instanceof DeadlineExceededError;
    if (!late && !(error instanceof AnswerLostError) && !(error instanceof ProtocolError)) return error;
    if (late && call.repeatable) return error;
    if (call.repeatable) return new TransientProviderError(`${what} got no usable answer`, { cause: error });
    return progress.sent
      ? new UnknownOutcomeError(`${what} was sent and got no usable answer`, { cause: error })
      : new TransientProviderError(`${what} was not sent`, { cause: error });
  }

  #pauseAfter(error: unknown, tries: number): number | undefined {
    if (!(error instanceof TransientProviderError)) return undefined;
    return Math.max(error.retryAfterMs ?? 0, backoffMs(tries, RETRY, this.#deps.randomness));
  }

  #leftMs(progress: Progress): number {
    const { timeoutMs } = this.#options;
    if (progress.startedMs === undefined) return timeoutMs;
    return Math.max(0, timeoutMs - (this.#deps.clock.monotonicMs() - progress.startedMs));
  }
}

/** Creates first, for builds wait for them; lists last, for they are repeated anyway. */
function priorityOf(name: CallName): number {
  if (name === 'ServerCreate') return 3;
  if (name === 'ServerDelete') return 2;
  return name === 'ServerList' ? 0 : 1;
}
