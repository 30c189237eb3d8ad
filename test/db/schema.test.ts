import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { IMAGE_STATE_NUMBERS, NODE_STATE_NUMBERS, stateWord } from '../../src/db/state-numbers.ts';
import { DIB_STEPS } from '../../src/image/dib-image.ts';
import { IMAGE_LIFECYCLE } from '../../src/image/lifecycle.ts';
import { BUILD_STEPS, SMOKE_TEST, UPLOAD_STEPS } from '../../src/image/snapshot-image.ts';
import { NODE_LIFECYCLE } from '../../src/node/lifecycle.ts';
import { LAUNCH_STEPS } from '../../src/node/node.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import type { TestDatabase } from './test-database.ts';
import { makeTestDatabase } from './test-database.ts';

let own: TestDatabase;

beforeAll(async () => {
  own = await makeTestDatabase(inject('postgresHost'));
  const deps = { clock: new FakeClock(), randomness: systemRandomness, log: new RecordingLogger() };
  await (await openDatabase({ url: own.url, program: 'test' }, deps, neverAborted)).close();
}, 20_000);

afterAll(async () => {
  await own[Symbol.asyncDispose]();
});

/** The values that a check constraint lists. */
async function listedIn(constraint: string): Promise<readonly string[]> {
  const sql = 'select pg_get_constraintdef(oid) as text from pg_constraint where conname = $1';
  const [row] = await own.query<{ readonly text: string }>(sql, [constraint]);
  return [...(row?.text ?? '').matchAll(/'([\w-]+)'|\b(\d+)\b/g)].map((match) => match[1] ?? match[2] ?? '').sort();
}

const asText = (numbers: Readonly<Record<string, number>>): readonly string[] =>
  Object.values(numbers).map(String).sort();

test('lifecycles, numbers and check constraints know the same states', async () => {
  expect(Object.keys(NODE_STATE_NUMBERS).sort()).toEqual(Object.keys(NODE_LIFECYCLE).sort());
  expect(Object.keys(IMAGE_STATE_NUMBERS).sort()).toEqual(Object.keys(IMAGE_LIFECYCLE).sort());
  expect(await listedIn('node_state')).toEqual(asText(NODE_STATE_NUMBERS));
  expect(await listedIn('subnode_state')).toEqual(asText(IMAGE_STATE_NUMBERS));
  expect(await listedIn('snapshot_image_state')).toEqual(asText(IMAGE_STATE_NUMBERS));
  expect(await listedIn('dib_image_state')).toEqual(asText(IMAGE_STATE_NUMBERS));
});

test('states have upstream 0.3.1 numbers, which old rows bear', () => {
  expect(NODE_STATE_NUMBERS).toEqual({ building: 1, ready: 2, used: 3, delete: 4, hold: 5, test: 6 });
  expect(IMAGE_STATE_NUMBERS).toEqual({ building: 1, ready: 2, delete: 4 });
  expect(() => stateWord(IMAGE_STATE_NUMBERS, 3)).toThrow('The database holds the unknown state 3');
});

test('check constraints know all steps', async () => {
  expect(await listedIn('node_step')).toEqual([...LAUNCH_STEPS].sort());
  expect(await listedIn('snapshot_image_step')).toEqual([...BUILD_STEPS, ...UPLOAD_STEPS, SMOKE_TEST].sort());
  expect(await listedIn('dib_image_step')).toEqual([...DIB_STEPS].sort());
});

test('an unknown state cannot be stored', async () => {
  const sql = "insert into node (provider_name, label_name, target_name, state, state_time) values ('', '', '', 7, 0)";
  await expect(own.query(sql)).rejects.toThrow(/node_state/);
});
