import { expect, test } from 'vitest';
import { parseDatabaseUrl } from '../../src/config/database-url.ts';
import { Secret } from '../../src/runtime/secret.ts';

function read(dburi: string): string {
  const url = parseDatabaseUrl(new Secret(dburi));
  return url.kind === 'postgres' ? url.url.reveal() : `unusable: ${url.reason}`;
}

test.each([
  ['postgresql://nodepool:secret@db.example.org/nodepool', 'postgresql://nodepool:secret@db.example.org/nodepool'],
  [
    'postgresql+psycopg2://nodepool@db:5433/nodepool?sslmode=require',
    'postgresql://nodepool@db:5433/nodepool?sslmode=require',
  ],
  ['postgres://db/nodepool', 'postgresql://db/nodepool'],
  ['postgresql+psycopg2://u:p%40ss@h/d', 'postgresql://u:p%40ss@h/d'],
  ['postgresql://u:p@ss#1/2?%@h/d', 'postgresql://u:p%40ss%231%2F2%3F%25@h/d'],
  ['postgresql://u:p@[2001:db8::1]:5432/d', 'postgresql://u:p@[2001:db8::1]:5432/d'],
  ['postgresql:///nodepool?host=/run/postgresql', 'postgresql:///nodepool?host=/run/postgresql'],
  ['postgresql://u:p@/d?host=/run', 'postgresql://u:p@/d?host=/run'],
  ['postgresql://h', 'postgresql://h/'],
])('%s is read as SQLAlchemy reads it', (dburi, url) => {
  expect(read(dburi)).toBe(url);
});

test.each([
  'mysql://u:secret@h/d',
  'mysql+pymysql://u:secret@h/d',
  'mysql+mysqldb://u:secret@h/d',
  'sqlite:///secret/nodepool.db',
])('%s is answered by what to name instead, for its tables cannot be taken over yet', (dburi) => {
  expect(read(dburi)).toMatch(/^unusable: The database is (MySQL|SQLite), .*name a Postgres in "dburi"/);
  expect(read(dburi)).not.toContain('secret');
});

test.each(['', 'nodepool', 'oracle://secret@h/d', 'postgresql://u:secret@h:port/d'])(
  '%j is refused without showing it',
  (dburi) => {
    expect(read(dburi)).toMatch(/^unusable: Cannot read /);
    expect(read(dburi)).not.toContain('secret');
  },
);
