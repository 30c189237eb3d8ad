import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { DatabaseRefusedError } from '../runtime/errors.ts';
import type { Secret } from '../runtime/secret.ts';

/** Where the database is and as whom to log in: what `pg` takes. The password is in it; never print it. */
export type ConnectionSettings = {
  readonly user: string;
  readonly password?: string;
  /** Host name, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly ssl: false | ConnectionOptions;
};

const POSTGRES = /^postgres(ql)?(\+[a-z0-9_]+)?:$/;
const NO_HOST = 'socket.invalid';
const BAD_URL = 'Cannot read "dburi": it is no valid URL (write "/", "#" and "@" of a password as "%2F", "%23", "%40")';
const OTHERS = /^(mysql|mariadb|sqlite)(\+[a-z0-9_]+)?:$/;

/**
 * Reads a database URL: libpq's form, or SQLAlchemy's with a driver (`postgresql+psycopg2://user:password@host/name`).
 * Messages never hold the URL.
 * @throws {DatabaseRefusedError} it is no Postgres URL; for MySQL and SQLite it says what to do instead
 */
export function parseDatabaseUrl(secret: Secret): ConnectionSettings {
  const url = parseUrl(secret.reveal());
  const query = url.searchParams;
  const user = decoded(url.username) || (query.get('user') ?? userInfo().username);
  const password = decoded(url.password) || query.get('password');
  return {
    user,
    ...(password !== null && password !== '' && { password }),
    host: hostOf(url),
    port: Number(url.port || (query.get('port') ?? 5432)),
    database: decoded(url.pathname.slice(1)) || (query.get('dbname') ?? user),
    ssl: tlsOptions(query),
  };
}

function parseUrl(text: string): URL {
  const scheme = /^[a-z0-9+_-]+:/i.exec(text)?.[0].toLowerCase() ?? '';
  if (OTHERS.test(scheme)) {
    const kind = scheme.replace(/[+:].*/, '');
    throw new DatabaseRefusedError(
      `Cannot work on a database of kind "${kind}": its tables cannot be taken over yet; name a Postgres in "dburi", or leave that out`,
    );
  }
  if (!POSTGRES.test(scheme)) {
    throw new DatabaseRefusedError('Cannot read "dburi": it must begin with "postgresql://"');
  }
  // A socket URL has no host (`user@/name?host=/run`), which the URL parser knows for no scheme but `file`.
  const hosted = text.replace(/^[^/]*:\/\/((?:[^/?#]*@)?)(?=[/?#]|$)/, `postgresql://$1${NO_HOST}`);
  if (!URL.canParse(hosted)) {
    throw new DatabaseRefusedError(BAD_URL);
  }
  const url = new URL(hosted);
  // A password with a bare "/" ends the host too early, and what is left of it would be shown as the host.
  if (url.pathname.includes('@')) throw new DatabaseRefusedError(BAD_URL);
  return url;
}

function hostOf(url: URL): string {
  const named = url.searchParams.get('host');
  if (named !== null) return named;
  // A URL that names no host means the distribution's socket.
  return url.hostname === NO_HOST ? '/var/run/postgresql' : decoded(url.hostname).replace(/^\[(.*)\]$/, '$1');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a bare `%` in a password, which SQLAlchemy accepts too
  }
}

/** libpq's meaning of `sslmode`. The driver cannot fall back, so `prefer` and `allow` are plain. */
function tlsOptions(query: URLSearchParams): false | ConnectionOptions {
  const mode = query.get('sslmode') ?? 'prefer';
  if (['disable', 'allow', 'prefer'].includes(mode)) return false;
  const files = {
    ...(query.has('sslrootcert') && { ca: readPem(query.get('sslrootcert')) }),
    ...(query.has('sslcert') && { cert: readPem(query.get('sslcert')) }),
    ...(query.has('sslkey') && { key: readPem(query.get('sslkey')) }),
  };
  switch (mode) {
    case 'require':
      return { ...files, rejectUnauthorized: query.has('sslrootcert'), checkServerIdentity: () => undefined };
    case 'verify-ca':
      return { ...files, checkServerIdentity: () => undefined };
    case 'verify-full':
      return files;
    default:
      throw new DatabaseRefusedError(`Cannot read "dburi": "sslmode" is unknown: "${mode}"`);
  }
}

function readPem(path: string | null): string {
  try {
    return readFileSync(path ?? '', 'utf8');
  } catch (error) {
    throw new DatabaseRefusedError(`Cannot read the certificate file "${path ?? ''}" named by "dburi"`, {
      cause: error,
    });
  }
}
