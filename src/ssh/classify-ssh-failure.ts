import { RemoteError } from '../provider/remote-machine.ts';
import { asError } from '../runtime/errors.ts';

const NETWORK_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  EPIPE: 'connection closed',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name not found for now',
};

/** SSH protocol, RFC 4253 section 11.1: SSH_DISCONNECT_NO_MORE_AUTH_METHODS_AVAILABLE. */
const NO_MORE_AUTH_METHODS = 14;

/**
 * Turns a failure of `ssh2` or of its socket into our vocabulary. The one place where their error texts are read.
 *
 * @param where `USER@HOST:PORT`, for the message
 */
export function classifySshFailure(where: string, failure: unknown): RemoteError {
  if (failure instanceof RemoteError) return failure;
  const cause = asError(failure);
  const { code, level } = factsOf(cause);
  if (
    level === 'client-authentication' ||
    code === NO_MORE_AUTH_METHODS ||
    /authentication fail/i.test(cause.message)
  ) {
    return new RemoteError('authentication', `Login refused as ${where}`, { cause });
  }
  const network = typeof code === 'string' ? NETWORK_CODES[code] : undefined;
  if (network !== undefined) return new RemoteError('connection', `Cannot reach ${where}: ${network}`, { cause });
  return new RemoteError('connection', `SSH to ${where} failed: ${cause.message}`, { cause });
}

function factsOf(error: Error): { code?: unknown; level?: unknown } {
  return {
    ...('code' in error ? { code: error.code } : {}),
    ...('level' in error ? { level: error.level } : {}),
  };
}
