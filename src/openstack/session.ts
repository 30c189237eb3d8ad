import * as z from 'zod';
import type { CloudConfig } from '../config/config.ts';
import {
  CredentialsRefusedError,
  RequestRefusedError,
  TransientProviderError,
  type UnknownOutcomeError,
} from '../provider/errors.ts';
import { type Clock, withDeadline } from '../runtime/clock.ts';
import { asError, DeadlineExceededError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { Secret } from '../runtime/secret.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';
import { Catalog } from './catalog.ts';
import { classifyNovaFailure, parseRetryAfter } from './classify-nova-failure.ts';
import { credentialsBody, secretsOf } from './credentials.ts';
import type { HttpAnswer, HttpConnections } from './http-connections.ts';
import { findIdentityUrl } from './identity-url.ts';
import { parseBody } from './parse-body.ts';

/** A token is renewed in the background when this much of its life is left, at most half of it. */
const RENEW_BEFORE_MS = 5 * 60_000;
/** After a refused login the next one waits: repeated wrong passwords lock accounts. */
const REFUSED_PAUSE_MS = 30_000;
/** Between failed background renewals. */
const RENEWAL_PAUSE_MS = 10_000;

const time = z
  .string()
  .transform((text) => Date.parse(text))
  .pipe(z.number());
const TokenBody = z.object({
  token: z.object({
    expires_at: time,
    issued_at: time,
    project: z.object({ id: z.string() }).optional(),
    catalog: Catalog.optional(),
  }),
});

/** A login: the token, and what it opens. Instants are of the monotonic clock. */
export type Token = {
  readonly secret: Secret;
  readonly catalog: Catalog;
  readonly projectId: string | undefined;
  readonly renewFromMs: number;
  readonly validUntilMs: number;
};

export type SessionDeps = {
  readonly http: HttpConnections;
  readonly clock: Clock;
  readonly log: Logger;
  /** For errors. */
  readonly provider: string;
  /** Longest time for one login. */
  readonly timeoutMs: number;
};

/** Keeps one valid Keystone token for one cloud, whoever asks and however often. */
export class Session {
  readonly #cloud: CloudConfig;
  readonly #deps: SessionDeps;
  readonly #closing: AbortSignal;
  #identityUrl: string | undefined;
  #token: Token | undefined;
  #login: Promise<Token> | undefined;
  #renewAgainMs = 0;
  #refusal: { readonly error: CredentialsRefusedError; readonly untilMs: number } | undefined;

  /** @param closing ends a login under way */
  constructor(cloud: CloudConfig, deps: SessionDeps, closing: AbortSignal) {
    this.#cloud = cloud;
    this.#deps = deps;
    this.#closing = closing;
  }

  /**
   * The token to use now. All callers share one login.
   * @throws {CredentialsRefusedError} Keystone refuses the credentials
   * @throws {RequestRefusedError} there is no Identity v3 API at the auth URL
   * @throws {TransientProviderError} Keystone fails or does not answer
   */
  async token(signal: AbortSignal): Promise<Token> {
    const nowMs = this.#deps.clock.monotonicMs();
    const token = this.#token;
    if (token === undefined || nowMs >= token.validUntilMs) return await unlessAborted(this.#logIn(), signal);
    if (nowMs >= token.renewFromMs && nowMs >= this.#renewAgainMs) this.#renewInBackground(nowMs);
    return token;
  }

  /** Forgets a token that a service refused, unless a newer one took its place already. @param refusal what was answered */
  discard(token: Token, refusal: Pick<HttpAnswer, 'requestId'>): void {
    if (this.#token !== token) return;
    this.#token = undefined;
    const { log, provider } = this.#deps;
    log.info(`The token of ${provider} was refused (${refusal.requestId ?? 'no request id'}), logging in again`);
  }

  #renewInBackground(nowMs: number): void {
    this.#renewAgainMs = nowMs + RENEWAL_PAUSE_MS;
    this.#logIn().catch((error: unknown) => {
      this.#deps.log.warn(`Renewing the token of ${this.#deps.provider} failed, the old one is still good`, { error });
    });
  }

  #logIn(): Promise<Token> {
    this.#login ??= this.#logInOnce().finally(() => {
      this.#login = undefined;
    });
    return this.#login;
  }

  async #logInOnce(): Promise<Token> {
    const { clock } = this.#deps;
    if (this.#refusal !== undefined && clock.monotonicMs() < this.#refusal.untilMs) throw this.#refusal.error;
    this.#refusal = undefined;
    try {
      this.#token = await this.#askKeystone();
      return this.#token;
    } catch (thrown) {
      const error = this.#translate(thrown);
      if (error instanceof CredentialsRefusedError) {
        this.#refusal = { error, untilMs: clock.monotonicMs() + REFUSED_PAUSE_MS };
      }
      throw error;
    }
  }

  async #askKeystone(): Promise<Token> {
    const { clock, provider, timeoutMs } = this.#deps;
    const deadline = { what: `Keystone of provider ${provider} to answer`, ms: timeoutMs };
    return await withDeadline(deadline, { clock, signal: this.#closing }, async (signal) => {
      this.#identityUrl ??= await findIdentityUrl(this.#cloud.authUrl, this.#deps.http, signal);
      const url = new URL(`${this.#identityUrl}/auth/tokens`);
      const headers = { 'content-type': 'application/json', accept: 'application/json' };
      const body = credentialsBody(this.#cloud.auth);
      const askedMs = clock.monotonicMs();
      const answer = await this.#deps.http.send(
        { method: 'POST', url, headers, body, secrets: secretsOf(this.#cloud.auth) },
        signal,
      );
      if (answer.status !== 201) throw this.#refused(answer);
      return readToken(answer, askedMs);
    });
  }

  #refused(answer: HttpAnswer): Error {
    const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], this.#deps.clock.now());
    const failure = { ...answer, provider: this.#deps.provider, call: 'Login', repeatable: true, retryAfterMs };
    const error = classifyNovaFailure(failure);
    // Keystone says 403 to a disabled or locked account.
    return answer.status === 403 ? new CredentialsRefusedError(error.message) : error;
  }

  /** A login changes nothing, so whatever broke it may pass. */
  #translate(thrown: unknown): Error {
    const error = asError(thrown);
    if (isOurs(error) || this.#closing.aborted) return error;
    const message =
      error instanceof DeadlineExceededError ? error.message : `Cannot log in to provider "${this.#deps.provider}"`;
    return new TransientProviderError(message, { cause: error });
  }
}

type Ours = CredentialsRefusedError | RequestRefusedError | TransientProviderError | UnknownOutcomeError;

function isOurs(error: Error): error is Ours {
  return (
    error instanceof CredentialsRefusedError ||
    error instanceof RequestRefusedError ||
    error instanceof TransientProviderError
  );
}

/** Lifetimes come from Keystone's own two times, so a clock that differs from ours does no harm. */
function readToken(answer: HttpAnswer, askedMs: number): Token {
  const { token } = parseBody(TokenBody, answer);
  const secret = answer.headers['x-subject-token'];
  if (typeof secret !== 'string') throw new RequestRefusedError('Cannot log in: the answer has no X-Subject-Token');
  const lifeMs = Math.max(0, token.expires_at - token.issued_at);
  return {
    secret: new Secret(secret),
    catalog: token.catalog ?? [],
    projectId: token.project?.id,
    renewFromMs: askedMs + lifeMs - Math.min(RENEW_BEFORE_MS, lifeMs / 2),
    validUntilMs: askedMs + lifeMs,
  };
}
