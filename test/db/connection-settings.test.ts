import { userInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { ConnectionSettings } from '../../src/db/connection-settings.ts';
import { parseDatabaseUrl } from '../../src/db/connection-settings.ts';
import { DatabaseRefusedError } from '../../src/runtime/errors.ts';
import { Secret } from '../../src/runtime/secret.ts';

const parse = (url: string): ConnectionSettings => parseDatabaseUrl(new Secret(url));

test.each<[string, Partial<ConnectionSettings>]>([
  [
    'postgresql://np:pw@db.example.org:5433/pool',
    { user: 'np', password: 'pw', host: 'db.example.org', port: 5433, database: 'pool' },
  ],
  ['postgresql+psycopg2://np:pw@db/pool', { user: 'np', password: 'pw', host: 'db', port: 5432, database: 'pool' }],
  ['postgres://np@db/pool', { user: 'np', host: 'db', database: 'pool' }],
  ['postgresql://np:p%40ss%2F@db/pool', { password: 'p@ss/' }],
  ['postgresql://np:100%@db/pool', { password: '100%' }],
  ['postgresql://np:p@ss@db/pool', { password: 'p@ss', host: 'db' }],
  ['postgresql://np@[2001:db8::1]:5433/pool', { host: '2001:db8::1', port: 5433 }],
  ['postgresql://np@/pool?host=/run/pg', { user: 'np', host: '/run/pg', database: 'pool' }],
  ['postgresql:///pool?host=%2Frun%2Fpg&user=np&port=5433', { user: 'np', host: '/run/pg', port: 5433 }],
  ['postgresql+pg8000:///pool', { host: '/var/run/postgresql', database: 'pool', user: userInfo().username }],
  ['postgresql://np@db', { database: 'np' }],
])('%s is understood', (url, expected) => {
  expect(parse(url)).toMatchObject(expected);
});

test.each(['mysql://np:hush@db/pool', 'mysql+pymysql://np:hush@db/pool', 'sqlite:////var/lib/hush.db'])(
  '%s is answered with what to name instead, for its tables cannot be taken over yet',
  (url) => {
    expect(() => parse(url)).toThrow(DatabaseRefusedError);
    expect(() => parse(url)).toThrow(
      /^Cannot work on a database of kind "(mysql|sqlite)": its tables cannot be taken over yet; name a Postgres/,
    );
  },
);

test.each([
  '',
  'db.example.org',
  'http://np:hush@db/pool',
  'postgresql://np:hush#@db:x/pool',
  'postgresql://np:pa@hush/x@db/pool',
])('"%s" is refused without printing it, for it may hold a password', (url) => {
  expect(() => parse(url)).toThrow(DatabaseRefusedError);
  expect(() => parse(url)).not.toThrow(/hush/);
});

describe('sslmode means what it means to libpq', () => {
  test.each(['', '?sslmode=disable', '?sslmode=prefer', '?sslmode=allow'])('"%s" is plain', (query) => {
    expect(parse(`postgresql://np@db/pool${query}`).ssl).toBe(false);
  });

  test('"require" encrypts and looks at no certificate', () => {
    expect(parse('postgresql://np@db/pool?sslmode=require').ssl).toMatchObject({ rejectUnauthorized: false });
  });

  test('"verify-full" checks certificate and name', () => {
    expect(parse('postgresql://np@db/pool?sslmode=verify-full').ssl).toEqual({});
  });

  test('an unknown one, or a missing certificate file, is refused', () => {
    expect(() => parse('postgresql://np@db/pool?sslmode=yes')).toThrow('"sslmode" is unknown: "yes"');
    expect(() => parse('postgresql://np@db/pool?sslmode=verify-ca&sslrootcert=/nowhere/ca.pem')).toThrow(
      'Cannot read the certificate file "/nowhere/ca.pem" named by "dburi"',
    );
  });
});
