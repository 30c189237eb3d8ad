import { Secret } from '../runtime/secret.ts';

export type DatabaseUrl =
  /** `url` is one that libpq and `pg` read: `postgresql://USER:PASSWORD@HOST:PORT/NAME?KEY=VALUE`. */
  | { readonly kind: 'postgres'; readonly url: Secret }
  /** `reason` is for the operator and holds no secret. */
  | { readonly kind: 'unusable'; readonly reason: string };

const POSTGRES = /^postgres(?:ql)?(?:[+][a-z0-9_]+)?$/;
const FOREIGN: Readonly<Record<string, string>> = { mysql: 'MySQL', mariadb: 'MySQL', sqlite: 'SQLite' };

// SQLAlchemy 1.0, engine/url.py: the password goes up to the last "@", and may hold what a URL would escape.
const SQLALCHEMY_URL =
  /^(?:(?<user>[^:/]*)(?::(?<password>.*))?@)?(?:\[(?<ipv6>[^/\]]+)\]|(?<host>[^/:]+))?(?::(?<port>[^/]*))?(?:[/](?<database>[^?]*)(?<query>[?].*)?)?$/;

/** Reads a `dburi` in SQLAlchemy's spelling (`postgresql+psycopg2://…`). */
export function parseDatabaseUrl(dburi: Secret): DatabaseUrl {
  const [, driver = '', rest = ''] = /^([A-Za-z0-9_+]+):[/][/](.*)$/s.exec(dburi.reveal()) ?? [];
  const dialect = driver.toLowerCase();
  const foreign = FOREIGN[dialect.replace(/[+].*$/, '')];
  if (foreign !== undefined) {
    const reason = `The database is ${foreign}, and nodes are kept in PostgreSQL: its tables cannot be taken over yet; name a Postgres in "dburi", or leave that out`;
    return { kind: 'unusable', reason };
  }
  if (!POSTGRES.test(dialect)) {
    return { kind: 'unusable', reason: 'Cannot read "dburi": expected "postgresql://USER:PASSWORD@HOST/NAME"' };
  }
  const url = toLibpq(rest);
  if (url === undefined) return { kind: 'unusable', reason: 'Cannot read what follows "postgresql://" in "dburi"' };
  return { kind: 'postgres', url: new Secret(url) };
}

function toLibpq(rest: string): string | undefined {
  const groups = SQLALCHEMY_URL.exec(rest)?.groups;
  if (groups === undefined) return undefined;
  const { user, password, ipv6, host = '', port = '', database = '', query = '' } = groups;
  if (!/^\d{0,5}$/.test(port)) return undefined;
  const address = `${ipv6 === undefined ? host : `[${ipv6}]`}${port === '' ? '' : `:${port}`}`;
  return `postgresql://${loginOf(user, password)}${address}/${escape(database)}${query}`;
}

function loginOf(user: string | undefined, password: string | undefined): string {
  if (user === undefined) return '';
  return password === undefined ? `${escape(user)}@` : `${escape(user)}:${escape(password)}@`;
}

/** Escaped once, whether it came escaped or not. */
function escape(part: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(part));
  } catch {
    return encodeURIComponent(part); // a lone "%" is itself
  }
}
