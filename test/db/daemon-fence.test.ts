import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import type { Node } from '../../src/node/node.ts';
import { DaemonEndedError } from '../../src/runtime/errors.ts';
import { emptyTables, endDaemon, startDaemon, type TestDaemon } from './test-daemons.ts';
import type { TestDatabase } from './test-database.ts';
import { makeTestDatabase } from './test-database.ts';

const cause = { who: 'test', why: 'Test' };
const small = { provider: 'east', label: 'small', target: 'ci' };
const trusty = { provider: 'east', image: 'trusty', version: 1 };
const failedAt = new Date('2026-01-01T00:00:00Z');
const failure = { provider: 'east', image: 'trusty', failures: 2, lastError: 'x', failedAt, retryAt: failedAt };

let own: TestDatabase;
let daemon: TestDaemon;
let node: Node;
let image: SnapshotImage;

beforeAll(async () => {
  own = await makeTestDatabase(inject('postgresHost'));
}, 20_000);

beforeEach(async () => {
  daemon = await startDaemon(own);
  const { database } = daemon;
  const [inserted] = await database.nodes.insert([small], cause);
  const building = await database.images.insert(trusty, cause);
  if (inserted === undefined || building === undefined) throw new Error('Nothing inserted');
  [node, image] = [inserted, building];
  await database.images.saveFailure({ ...failure, failures: 1 });
  await database.providerStatus.save({ provider: 'east', breakers: [], pauses: [] });
}, 20_000);

afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
  await emptyTables(own);
});

afterAll(async () => {
  await own[Symbol.asyncDispose]();
});

const WRITES: readonly (readonly [string, (database: Database) => Promise<unknown>])[] = [
  ['a new node', ({ nodes }) => nodes.insert([small], cause)],
  ['a change of a node', ({ nodes }) => nodes.apply(node, 'launched', cause)],
  ['a fact about a node', ({ nodes }) => nodes.record(node.id, { ip: '192.0.2.1' })],
  ['a claim', ({ nodes }) => nodes.claim(node.id)],
  ['the removal of a node', ({ nodes }) => nodes.remove(node, cause)],
  ['a new image', ({ images }) => images.insert({ ...trusty, provider: 'west' }, cause)],
  ['a change of an image', ({ images }) => images.apply(image, 'built', cause)],
  ['a fact about an image', ({ images }) => images.record(image.id, { externalId: 'img-1' })],
  ['the removal of an image', ({ images }) => images.remove(image, cause)],
  ['a failed build', ({ images }) => images.saveFailure(failure)],
  ['the end of failures', ({ images }) => images.clearFailure('east', 'trusty')],
  ['a remark', ({ history }) => history.note({ subject: 'node', subjectId: 1, event: 'x', ...cause })],
  ['a round', ({ rounds }) => rounds.save(new Map([['small', { requested: 1, granted: 1 }]]))],
  ['a status', ({ providerStatus }) => providerStatus.save({ provider: 'west', breakers: [], pauses: [] })],
  [
    'that a status holds still',
    async ({ providerStatus }) => {
      await daemon.clock.advance(1);
      await providerStatus.touch('east');
    },
  ],
  ['the end of a status', ({ providerStatus }) => providerStatus.remove('east')],
];

/** All rows of all tables that daemons write. */
async function everything(): Promise<readonly unknown[]> {
  const tables = ['node', 'snapshot_image', 'build_failure', 'history', 'allocation_round', 'provider_status'];
  const rows: unknown[] = [];
  for (const table of tables) rows.push(await own.query(`select to_jsonb(${table}) as row from ${table} order by 1`));
  return rows;
}

describe('a daemon that was taken for dead', () => {
  test.each(WRITES)('cannot write %s, and learns why', async (_, write) => {
    const before = await everything();
    await endDaemon(own, daemon);

    const outcome = await write(daemon.database).catch((error: unknown) => error);

    expect(outcome).toBeInstanceOf(DaemonEndedError);
    expect(outcome).toBe(daemon.life.ended.reason);
    expect(await everything()).toEqual(before);
  });

  test('can write while it lives', async () => {
    for (const [what, write] of WRITES.filter(([name]) => !name.startsWith('the removal'))) {
      const before = await everything();
      await write(daemon.database);
      expect(await everything(), what).not.toEqual(before);
    }
    expect(daemon.life.ended.aborted).toBe(false);
  });

  test('reads on, and a next life on the same connections writes again', async () => {
    await endDaemon(own, daemon);

    const read = await daemon.database.nodes.find(node.id);
    const next = await daemon.database.enlist({ host: 'h', pid: 1, version: '1', roles: ['launches'] });
    const written = await next.database.nodes.apply(node, 'launched', cause);
    const late = await daemon.database.nodes.insert([small], cause).catch((error: unknown) => error);
    await next.life[Symbol.asyncDispose]();

    expect(read).toEqual(node);
    expect(written).toMatchObject({ state: 'ready' });
    expect(late).toBeInstanceOf(DaemonEndedError);
  });

  test('what it adds just while it is declared dead is there before that, or not at all', async () => {
    await using other = await startDaemon(own);
    for (let round = 0; round < 20; round += 1) {
      const next = await other.database.enlist({ host: 'h', pid: 1, version: '1', roles: ['launches'] });
      const deaths = endDaemon(own, next).then(() => other.database.nodes.count());
      const inserted = await next.database.nodes.insert([small], cause).catch(() => []);

      const seen = await deaths;
      const now = await other.database.nodes.count();
      await next.life[Symbol.asyncDispose]();

      expect(now, `round ${round}: ${inserted.length} inserted`).toEqual(seen);
    }
  });
});

test('an ordinary lost race is no death', async () => {
  await daemon.database.nodes.apply(node, 'held', cause);

  const late = await daemon.database.nodes.apply(node, 'launched', cause);

  expect(late).toBeUndefined();
  expect(daemon.life.ended.aborted).toBe(false);
});
