import { expect, test } from 'vitest';
import { classifyDatabaseFailure } from '../../src/db/classify-database-failure.ts';
import { DatabaseRefusedError, DatabaseUnavailableError } from '../../src/runtime/errors.ts';

const failure = (message: string, code?: string): Error => Object.assign(new Error(message), { code });

test.each([
  ['a server that shuts down', failure('terminating connection due to administrator command', '57P01')],
  ['a server that starts', failure('the database system is starting up', '57P03')],
  ['a statement that took too long', failure('canceling statement due to statement timeout', '57014')],
  ['too many clients', failure('sorry, too many clients already', '53300')],
  ['a full disk', failure('could not extend file', '53100')],
  ['a standby', failure('cannot execute UPDATE in a read-only transaction', '25006')],
  ['a deadlock', failure('deadlock detected', '40P01')],
  ['no server', failure('connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED')],
  ['a name server that is away', failure('getaddrinfo EAI_AGAIN db.example.org', 'EAI_AGAIN')],
  ['a lost connection', failure('Connection terminated unexpectedly')],
  [
    'a connection that is not usable any more',
    failure('Client has encountered a connection error and is not queryable'),
  ],
  ['a server that does not answer', failure('Query read timeout')],
])('%s may pass: the next pass tries again', (_, error) => {
  const classified = classifyDatabaseFailure(error);

  expect(classified).toBeInstanceOf(DatabaseUnavailableError);
  expect(classified.message).toBe(`Cannot use the database: ${error.message}`);
  expect(classified.cause).toBe(error);
});

test.each([
  ['a wrong password', failure('password authentication failed for user "nodepool"', '28P01')],
  ['a missing database', failure('database "nodepool" does not exist', '3D000')],
  ['a missing right', failure('permission denied for schema public', '42501')],
  ['a socket of another user', failure('connect EACCES /run/.s.PGSQL.5432', 'EACCES')],
  ['a certificate that nobody signed', failure('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT')],
  ['a server without TLS', failure('The server does not support SSL connections')],
])('%s is for the operator to mend', (_, error) => {
  expect(classifyDatabaseFailure(error)).toBeInstanceOf(DatabaseRefusedError);
});

test('all else is a bug and keeps its code', () => {
  const classified = classifyDatabaseFailure(failure('relation "nod" does not exist', '42P01'));

  expect(classified).not.toBeInstanceOf(DatabaseUnavailableError);
  expect(classified).not.toBeInstanceOf(DatabaseRefusedError);
  expect(classified.message).toBe('Cannot use the database: relation "nod" does not exist (42P01)');
  expect(classifyDatabaseFailure(new TypeError('x is not a function'))).not.toBeInstanceOf(DatabaseUnavailableError);
  expect(classifyDatabaseFailure(failure('bad argument', 'ERR_INVALID_ARG_TYPE'))).not.toBeInstanceOf(
    DatabaseUnavailableError,
  );
});

test('a wait for a free connection is not told as a failure to connect', () => {
  const classified = classifyDatabaseFailure(failure('timeout exceeded when trying to connect'));
  expect(classified).toBeInstanceOf(DatabaseUnavailableError);
  expect(classified.message).toMatch(/: no connection became free in time/);
});

test('what is classified stays as it is', () => {
  const classified = new DatabaseUnavailableError('Away');
  expect(classifyDatabaseFailure(classified, 'Migration failed')).toBe(classified);
});

test('a local server that does not run is told by its socket, and not by a system call', () => {
  const classified = classifyDatabaseFailure(failure('connect ENOENT /run/.s.PGSQL.5432', 'ENOENT'));
  expect(classified).toBeInstanceOf(DatabaseUnavailableError);
  expect(classified.message).toBe('Cannot use the database: no Postgres listens at /run/.s.PGSQL.5432');
});

test('a host with several addresses that all refuse says so', () => {
  const refused = new AggregateError([
    new Error('connect ECONNREFUSED ::1'),
    new Error('connect ECONNREFUSED 127.0.0.1'),
  ]);
  const classified = classifyDatabaseFailure(Object.assign(refused, { code: 'ECONNREFUSED' }));
  expect(classified.message).toBe('Cannot use the database: connect ECONNREFUSED ::1, connect ECONNREFUSED 127.0.0.1');
});
