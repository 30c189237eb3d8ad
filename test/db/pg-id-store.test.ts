import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Database, openDatabase } from '../../src/db/database.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import type { TestDatabase } from './test-database.ts';
import { makeTestDatabase } from './test-database.ts';

const cause = { who: 'test', why: 'Test' };
const small = { provider: 'east', label: 'small', target: 'ci' };

let own: TestDatabase;
let database: Database;

beforeAll(async () => {
  own = await makeTestDatabase(inject('postgresHost'));
  const deps = { clock: new FakeClock(), randomness: systemRandomness, log: new RecordingLogger() };
  database = await openDatabase({ url: own.url, program: 'test' }, deps, neverAborted);
}, 20_000);

afterAll(async () => {
  await database.close();
  await own[Symbol.asyncDispose]();
});

test('ids that others take meanwhile are given to nobody twice', async () => {
  const insert = () => database.nodes.insert([small, small, small], cause);

  const rows = await Promise.all([
    ...[insert(), insert()],
    ...[database.ids.raiseAbove('node', 40, 5), database.ids.raiseAbove('node', 40, 5)].map(async (raising) => {
      await raising;
      return await insert();
    }),
    insert(),
  ]);

  const ids = rows.flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(15);
  expect(Math.max(...ids)).toBeGreaterThan(45);
});

test('an id from another world is refused: it would use up all ids', async () => {
  await expect(database.ids.raiseAbove('image', 2_000_000_000, 1000)).rejects.toThrow(
    new RangeError('Cannot skip 2000000000 ids of table "snapshot_image"'),
  );
});
