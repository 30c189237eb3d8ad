/** No room in the provider: launching that flavor there pauses; no node is to blame. */
export class QuotaExceededError extends Error {
  override readonly name = 'QuotaExceededError';
  readonly provider: string;

  constructor(provider: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.provider = provider;
  }
}

/** The cloud or Jenkins fails in a way that may pass: 429, 5xx, refused, reset, timed out. */
export class TransientProviderError extends Error {
  override readonly name: string = 'TransientProviderError';
  /** From `Retry-After`, where the peer said so. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly retryAfterMs?: number }) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** A request that changes something was sent and its answer is lost: it may have been done. Look before trying again. */
export class UnknownOutcomeError extends TransientProviderError {
  override readonly name = 'UnknownOutcomeError';
}

/** The cloud refuses the request as such (400, 403 policy, unknown flavor or image): trying again does not help. */
export class RequestRefusedError extends Error {
  override readonly name = 'RequestRefusedError';
  /** Neutron's name of the refusal, such as `NetworkNotFound`. */
  readonly type: string | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly type?: string }) {
    super(message, options);
    this.type = options?.type;
  }
}

/** The credentials are refused (401 after a fresh login): an operator must mend the configuration. */
export class CredentialsRefusedError extends Error {
  override readonly name = 'CredentialsRefusedError';
}

/** A server of ours went to ERROR, or is gone, before it was of use. */
export class ServerFailedError extends Error {
  override readonly name = 'ServerFailedError';
}
