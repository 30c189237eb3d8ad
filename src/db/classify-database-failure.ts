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

/** What only an operator can mend. */
const REFUSED = [
  '28', // wrong password, no pg_hba.conf entry
  '3D000', // no such database
  '3F000', // no such schema
  '42501', // no right to do this
];

/** Failures of the connection that the driver reports without a code. */
const LOST =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|connection error and is not queryable|server does not support ssl|timeout expired/i;

/** Turns a failure of the driver into our vocabulary. The one place where Postgres' codes and the driver's texts are read. */
export function classifyDatabaseFailure(failure: unknown): Error {
  const error = asError(failure);
  if (error instanceof DatabaseUnavailableError || error instanceof DatabaseRefusedError) return error;
  const code = codeOf(failure);
  const text = describe(failure);
  if (isSqlState(code)) return classifySqlState(code, text, error);
  if (code !== undefined || LOST.test(error.message)) {
    return new DatabaseUnavailableError(`Cannot reach the database: ${text}`, { cause: error });
  }
  return new Error(`Cannot use the database: ${text}`, { cause: error });
}

/** The SQLSTATE of a failed statement, or the code of a failed system call. */
export function codeOf(failure: unknown): string | undefined {
  if (typeof failure !== 'object' || failure === null || !('code' in failure)) return undefined;
  return typeof failure.code === 'string' ? failure.code : undefined;
}

function classifySqlState(code: string, text: string, cause: Error): Error {
  if (PASSING.some((known) => code.startsWith(known))) {
    return new DatabaseUnavailableError(`The database cannot answer now: ${text}`, { cause });
  }
  if (REFUSED.some((known) => code.startsWith(known))) {
    return new DatabaseRefusedError(`The database refuses us: ${text}`, { cause });
  }
  return new Error(`The database rejects a statement: ${text} (${code})`, { cause });
}

function isSqlState(code: string | undefined): code is string {
  // System call errors (`ECONNREFUSED`, `ENOENT`) have letters first, TLS errors underscores.
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code);
}

/** An AggregateError (several addresses, all refused) has no message of its own. */
function describe(failure: unknown): string {
  const error = asError(failure);
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  return error.message !== '' ? error.message : inner.map((one) => asError(one).message).join(', ') || error.name;
}
