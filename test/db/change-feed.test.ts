import fc from 'fast-check';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import type { Change } from '../../src/db/change-notifier.ts';
import { parsePayload, toPayload } from '../../src/db/change-notifier.ts';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/database.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { listenTo } from './listen-to.ts';
import type { TestDatabase } from './test-database.ts';
import { makeTestDatabase } from './test-database.ts';

const cause = { who: 'test', why: 'Test' };
const small = { provider: 'east', label: 'small', target: 'ci' };

let own: TestDatabase;
let daemon: Database;

beforeEach(async () => {
  own = await makeTestDatabase(inject('postgresHost'));
  daemon = await open('nodepoold');
}, 20_000);

afterEach(async () => {
  await daemon.close();
  await own[Symbol.asyncDispose]();
});

function open(program: string): Promise<Database> {
  const deps = { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() };
  return openDatabase({ url: own.url, program }, deps, neverAborted);
}

test('another program hears of a change, so that a command acts at once', async () => {
  const feed = listenTo(daemon);
  expect(await feed.next()).toEqual({ table: 'all' });
  const cli = await open('cli:root');

  const [node] = await cli.nodes.insert([small, small], cause);
  await cli.close();

  expect(await feed.next()).toEqual({ table: 'node', ids: [node?.id, (node?.id ?? 0) + 1] });
});

test('the program itself hears of its change at once, and only once', async () => {
  const feed = listenTo(daemon);
  await feed.next();

  const image = await daemon.images.insert({ provider: 'east', image: 'trusty', version: 1 }, cause);
  const cli = await open('cli:root');
  await cli.providerStatus.save({ provider: 'east', breakers: [], pauses: [] });
  await cli.close();

  expect(await feed.next()).toEqual({ table: 'snapshot_image', ids: [image?.id] });
  expect(await feed.next()).toEqual({ table: 'provider_status' });
});

test('that a status of a provider holds still is told to nobody: it would wake allocation', async () => {
  await daemon.providerStatus.save({ provider: 'east', breakers: [], pauses: [] });
  const feed = listenTo(daemon);
  await feed.next();

  await daemon.providerStatus.touch('east');
  await daemon.providerStatus.remove('east');
  const image = await daemon.images.insert({ provider: 'east', image: 'trusty', version: 1 }, cause);

  expect(await feed.next()).toEqual({ table: 'provider_status' });
  expect(await feed.next()).toEqual({ table: 'snapshot_image', ids: [image?.id] });
});

test('changes that come together are told together', async () => {
  const feed = listenTo(daemon);
  await feed.next();
  const cli = await open('cli:root');
  const nodes = await cli.nodes.insert(Array<typeof small>(50).fill(small), cause);

  await Promise.all(nodes.map((node) => cli.nodes.record(node.id, { comment: 'x' })));
  await cli.close();

  const told: number[] = [];
  let messages = 0;
  for (; new Set(told).size < 50 || messages < 2; messages += 1) told.push(...((await feed.next()).ids ?? []));
  expect(messages).toBeLessThan(40);
});

test('a lost connection listens again and says that everything must be read anew', async () => {
  const feed = listenTo(daemon);
  await feed.next();

  await own.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%' and datname = $1",
    [own.name],
  );

  expect(await feed.next()).toEqual({ table: 'all' });
  await using cli = await open('cli:root');
  const [node] = await cli.nodes.insert([small], cause);
  expect(await feed.next()).toEqual({ table: 'node', ids: [node?.id] });
}, 10_000);

test('nobody listens, nobody is connected: a command does not pay for it', async () => {
  const sql = "select count(*)::int as n from pg_stat_activity where datname = $1 and query like 'listen%'";
  expect(await own.query(sql, [own.name])).toEqual([{ n: 0 }]);
});

test('a listener that left hears nothing more', async () => {
  const heard: Change[] = [];
  const leave = daemon.onChange((change) => heard.push(change));
  leave();

  await daemon.nodes.insert([small], cause);

  expect(heard).toEqual([]);
});

test('a notification is read as it was written, and others are not taken for ours', () => {
  const ids = fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 500 });
  fc.assert(
    fc.property(ids, (given) => {
      const payload = toPayload('0a1b', 'node', new Set(given));
      expect(parsePayload(payload)).toEqual({ origin: '0a1b', change: { table: 'node', ids: given } });
      expect(payload.length).toBeLessThan(8000);
    }),
  );
  expect(parsePayload(toPayload('0a1b', 'node', new Set(Array(501).keys())))?.change).toEqual({ table: 'node' });
  expect(parsePayload('hello there, world')).toBeUndefined();
  expect(parsePayload('')).toBeUndefined();
});
