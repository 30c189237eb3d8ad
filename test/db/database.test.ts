import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/database.ts';
import type { Node } from '../../src/node/node.ts';
import { DatabaseRefusedError, DatabaseUnavailableError } from '../../src/runtime/errors.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import type { TestDatabase } from './test-database.ts';
import { makeTestDatabase } from './test-database.ts';

const cause = { who: 'test', why: 'Test' };
const small = { provider: 'east', label: 'small', target: 'ci' };

let own: TestDatabase;
let clock: FakeClock;

beforeEach(async () => {
  own = await makeTestDatabase(inject('postgresHost'));
  clock = new FakeClock();
}, 20_000);

afterEach(async () => {
  await own[Symbol.asyncDispose]();
});

function open(url: Secret = own.url, signal: AbortSignal = neverAborted): Promise<Database> {
  return openDatabase(
    { url, program: 'test' },
    { clock, randomness: systemRandomness, log: new RecordingLogger() },
    signal,
  );
}

async function connections(): Promise<number> {
  const sql = "select count(*)::int as n from pg_stat_activity where datname = $1 and application_name = 'test'";
  return (await own.query<{ readonly n: number }>(sql, [own.name]))[0]?.n ?? 0;
}

test('of two programs that change the same version exactly one wins, every time', async () => {
  await using one = await open();
  await using two = await open();
  const nodes = await one.nodes.insert(Array<typeof small>(50).fill(small), cause);

  const outcomes = await Promise.all(
    nodes.map((node) => Promise.all([one.nodes.apply(node, 'held', cause), two.nodes.apply(node, 'deleted', cause)])),
  );

  const winners = outcomes.map((pair) => pair.filter((outcome): outcome is Node => outcome !== undefined));
  expect(winners.map((pair) => pair.length)).toEqual(Array(50).fill(1));
  const changes = await own.query("select 1 from history where event <> 'inserted'");
  expect(changes).toHaveLength(50);
});

test('keeps to ten connections, whatever the load', async () => {
  await using database = await open();
  database.onChange(() => undefined);
  const nodes = await database.nodes.insert(Array<typeof small>(500).fill(small), cause);

  await Promise.all(nodes.map((node) => database.nodes.apply(node, 'launched', cause)));

  expect(await connections()).toBeGreaterThan(1);
  expect(await connections()).toBeLessThanOrEqual(10);
});

test('closes all connections, and tells the last change before', async () => {
  const database = await open();
  database.onChange(() => undefined);
  await database.nodes.insert([small], cause);

  await database.close();

  // The pool says goodbye and does not wait until the server has heard it.
  await expect.poll(connections, { timeout: 10_000 }).toBe(0);
});

test('gives allocation the counts and the images that are ready and exist in the cloud', async () => {
  await using database = await open();
  await database.nodes.insert([small, small], cause);
  for (const [image, externalId] of [
    ['trusty', 'img-1'],
    ['trusty', 'img-2'],
    ['xenial', undefined],
  ] as const) {
    const row = await database.images.insert({ provider: 'east', image, version: 1 }, cause);
    if (row !== undefined)
      await database.images.apply(row, 'built', cause, externalId === undefined ? {} : { externalId });
  }
  await database.images.insert({ provider: 'west', image: 'trusty', version: 1 }, cause);

  const state = await database.readAllocationState();

  expect(state.nodes).toEqual([{ ...small, state: 'building', count: 2, subnodes: 0 }]);
  expect(state.readyImages).toEqual(new Map([['east', new Set(['trusty'])]]));
});

test('remembers the last hundred rounds, newest first', async () => {
  await using database = await open();
  for (let round = 1; round <= 103; round += 1) {
    await database.rounds.save(
      new Map([
        ['small', { requested: round, granted: 0 }],
        ['__proto__', { requested: 1, granted: 1 }],
      ]),
    );
  }

  const rounds = await database.rounds.list(1000);

  expect(rounds).toHaveLength(100);
  expect(rounds[0]).toEqual({
    at: clock.now(),
    labels: new Map([
      ['small', { requested: 103, granted: 0 }],
      ['__proto__', { requested: 1, granted: 1 }],
    ]),
  });
  expect(rounds.at(-1)?.labels.get('small')?.requested).toBe(4);
  expect(await database.rounds.list(2)).toHaveLength(2);
});

test('keeps the status of providers for every process', async () => {
  await using database = await open();
  const suspension = {
    what: 'az1 m1.large',
    since: clock.now(),
    until: new Date('2026-01-01T00:10:00.5Z'),
    failures: 3,
    reason: 'HTTP 500',
  };
  const status = {
    provider: 'east',
    breakers: [suspension],
    pauses: [],
    limits: { maxInstances: 10, usedInstances: 1, usedCores: 2, usedRamMib: 3 },
    sizes: { trusty: { cores: 8, ramMib: 8192 } },
    lastError: 'x',
  };
  await database.providerStatus.save({ provider: 'west', breakers: [], pauses: [suspension] });
  await database.providerStatus.save({ ...status, lastError: 'earlier' });

  await database.providerStatus.save(status);

  expect(await database.providerStatus.find('east')).toEqual({ ...status, changedAt: clock.now() });
  const west = { provider: 'west', breakers: [], pauses: [suspension], changedAt: clock.now() };
  expect(await database.providerStatus.list()).toEqual([{ ...status, changedAt: clock.now() }, west]);
  await clock.advance(60_000);
  await database.providerStatus.touch('east');
  await database.providerStatus.touch('nobody');
  expect(await database.providerStatus.list()).toEqual([{ ...status, changedAt: clock.now() }, west]);
  await database.providerStatus.remove('east');
  expect(await database.providerStatus.find('east')).toBeUndefined();
});

test('a database that is away is said to be unavailable', async () => {
  await expect(open(new Secret('postgresql://nodepool@/x?host=/nowhere'))).rejects.toThrow(DatabaseUnavailableError);
});

test('a database that does not exist is for the operator to mend, and the message has no password', async () => {
  const url = new Secret(`postgresql://nodepool:hush@/no_such_database?host=${inject('postgresHost')}`);

  await expect(open(url)).rejects.toThrow(DatabaseRefusedError);
  await expect(open(url)).rejects.not.toThrow(/hush/);
});

test('a user without rights gets one clear line', async () => {
  const role = `stranger_${own.name}`;
  await own.query(`create role ${role} login`);
  const url = new Secret(own.url.reveal().replace('nodepool@', `${role}@`));

  await expect(open(url)).rejects.toThrow(/^Cannot use the database: permission denied for schema public$/);

  await own.query(`drop role ${role}`);
});

test('opening ends when it is aborted, though the server never answers', async () => {
  const server = createServer(() => {
    stop.abort(new Error('Stopped'));
  });
  const stop = new AbortController();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const options = { url: new Secret(`postgresql://np@127.0.0.1:${port}/x`), program: 'test', connectTimeoutMs: 1_000 };

  const opening = openDatabase(
    options,
    { clock, randomness: systemRandomness, log: new RecordingLogger() },
    stop.signal,
  );

  await expect(opening).rejects.toThrow('Stopped');
  server.close();
});

test('a fact that the table refuses is a bug, and the connection goes on', async () => {
  await using database = await open();
  const [node] = await database.nodes.insert([small], cause);

  await expect(database.nodes.record(node?.id ?? 0, { attempt: 'no uuid' })).rejects.toThrow(
    /invalid input syntax for type uuid/,
  );

  expect(await database.nodes.find(node?.id ?? 0)).toEqual(node);
  expect(await database.history.list('node', node?.id ?? 0)).toHaveLength(1);
});

test('lost connections are replaced by the next statement', async () => {
  await using database = await open();
  const [node] = await database.nodes.insert([small], cause);

  await own.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test' and datname = $1",
    [own.name],
  );

  // A statement that meets the dying connection may fail, in our words; then all is well again.
  const first = await database.nodes.find(node?.id ?? 0).catch((error: unknown) => error);
  if (first instanceof Error) expect(first).toBeInstanceOf(DatabaseUnavailableError);
  expect(await database.nodes.find(node?.id ?? 0)).toEqual(node);
});
