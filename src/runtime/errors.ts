/** A wait took longer than it may. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
  readonly what: string;
  readonly ms: number;

  constructor(what: string, ms: number, options?: ErrorOptions) {
    super(`Timeout waiting for ${what} (${ms / 1000} s)`, options);
    this.what = what;
    this.ms = ms;
  }
}

/** A peer sent bytes that its protocol does not allow: the message or the connection is dropped. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** The database is away, busy or full: the statement may or may not have been done. Look again in the next pass. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
}

/** The database cannot be used as it is set up: an operator must mend the URL, its rights or the installation. */
export class DatabaseRefusedError extends Error {
  override readonly name = 'DatabaseRefusedError';
}

/** Any thrown value as an Error, so that `message`, `stack` and `cause` can be relied on. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The messages of an error and its causes, outermost first, on one line: for logs, history and `last_error`. */
export function describeError(thrown: unknown): string {
  const messages: string[] = [];
  for (let error: unknown = thrown; error !== undefined && messages.length < 5; error = causeOf(error)) {
    const message = asError(error).message.replaceAll(/\s+/g, ' ').trim();
    if (message !== '' && !messages.some((earlier) => earlier.includes(message))) messages.push(message);
  }
  return messages.length > 0 ? messages.join(': ') : asError(thrown).name;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

/** True for the error that an aborted signal makes: cancellation, which is no failure. */
export function isAbort(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'));
}
