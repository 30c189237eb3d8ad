import { formatSeconds } from './format-seconds.ts';
import { plainReason } from './plain-reason.ts';

/** A wait took longer than it may. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
  readonly what: string;
  readonly ms: number;

  constructor(what: string, ms: number, options?: ErrorOptions) {
    super(`Timeout waiting for ${what} (${formatSeconds(ms)})`, options);
    this.what = what;
    this.ms = ms;
  }
}

/** A peer sent bytes that its protocol does not allow: the message or the connection is dropped. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** So much waits already that nothing more is taken in. It was not begun, and may work later. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
}

/** The database is away, busy or full: the statement may or may not have been done. Look again in the next pass. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
}

/** The database cannot be used as it is set up: an operator must mend the URL, its rights or the installation. */
export class DatabaseRefusedError extends Error {
  override readonly name = 'DatabaseRefusedError';
}

/** Others took this daemon for dead and go on with its work: it may write nothing more, and begins anew. */
export class DaemonEndedError extends Error {
  override readonly name = 'DaemonEndedError';
}

/** Any thrown value as an Error, so that `message`, `stack` and `cause` can be relied on. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** How many errors of one chain are described. */
const MAX_CAUSES = 8;

/** The messages of an error and its causes, outermost first, on one line: for logs, history and `last_error`. */
export function describeError(thrown: unknown): string {
  const messages: string[] = [];
  // By depth, not by messages: causes may lead in a circle.
  for (let error: unknown = thrown, depth = 0; error !== undefined && depth < MAX_CAUSES; depth += 1) {
    const message = asError(error).message.replaceAll(/\s+/g, ' ').trim();
    const isSaid = messages.some(
      (earlier) => earlier.includes(message) || earlier.includes(plainReason(error) ?? message),
    );
    if (message !== '' && !isSaid) messages.push(message);
    error = causeOf(error);
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
