import { asError, DatabaseRefusedError, DatabaseUnavailableError } from '../runtime/errors.ts';

/** SQLSTATE classes and codes that may pass (Postgres manual, appendix A). */
const PASSING = [
  '08', // connection exceptions
  '53', // too many connections, disk or memory full
  '57', // shutting down, starting up, statement timeout
  '58', // input/output errors of the server's disk
  '25006', // read-only: a standby, until it is promoted
  '40001', // serialization failure
  '40P01', // deadlock
  '55P03', // lock timeout
];

/** A failed system call: `ECONNREFUSED`, `ENOENT`, `EAI_AGAIN`. */
const SYSTEM_CALL = /^E(?!RR_|ACCES$)[A-Z_]+$/;

/** What only an operator can mend. */
const REFUSED = [
  '28', // wrong password, no pg_hba.conf entry
  '3D000', // no such database
  '3F000', // no such schema
  '42501', // no right to do this
  'EACCES', // no right to enter the socket's folder
  'CERT_',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_',
  'ERR_TLS_CERT',
];

/** What the driver's pool says after a wait for one of its connections. */
const QUEUE_TIMEOUT = 'timeout exceeded when trying to connect';

/** Failures of the connection that the driver reports without a code. */
const LOST =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|connection error and is not queryable|timeout expired/i;

/**
 * Turns a failure of the driver into our vocabulary. The one place where Postgres' codes and the driver's texts are read.
 * @param what what failed, where that helps the operator
 */
export function classifyDatabaseFailure(failure: unknown, what = 'Cannot use the database'): Error {
  const cause = asError(failure);
  if (cause instanceof DatabaseUnavailableError || cause instanceof DatabaseRefusedError) return cause;
  const message = `${what}: ${describe(cause)}`;
  const code = codeOf(cause);
  if (passes(code, cause.message)) return new DatabaseUnavailableError(message, { cause });
  if (isOneOf(REFUSED, code) || /server does not support ssl/i.test(cause.message))
    return new DatabaseRefusedError(message, { cause });
  return new Error(code === undefined ? message : `${message} (${code})`, { cause });
}

/** The SQLSTATE of a failed statement, or the code of a failed system call. */
export function codeOf(failure: unknown): string | undefined {
  if (typeof failure !== 'object' || failure === null || !('code' in failure)) return undefined;
  return typeof failure.code === 'string' ? failure.code : undefined;
}

function passes(code: string | undefined, message: string): boolean {
  if (code === undefined) return LOST.test(message);
  return isOneOf(PASSING, code) || SYSTEM_CALL.test(code);
}

function isOneOf(codes: readonly string[], code: string | undefined): boolean {
  return codes.some((known) => code?.startsWith(known) === true);
}

/** An AggregateError (several addresses, all refused) has no message of its own. */
function describe(error: Error): string {
  if (error.message === QUEUE_TIMEOUT) return 'no connection became free in time, for it is too slow or too busy';
  const [, socket] = /^connect ENOENT (\/.+)$/.exec(error.message) ?? [];
  if (socket !== undefined) return `no Postgres listens at ${socket}`;
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  return error.message !== '' ? error.message : inner.map((one) => asError(one).message).join(', ') || error.name;
}
