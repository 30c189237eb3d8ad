import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import type { Node } from '../../src/node/node.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { emptyTables, endDaemon, startDaemon, type TestDaemon } from './test-daemons.ts';
import type { TestDatabase } from './test-database.ts';
import { makeTestDatabase } from './test-database.ts';

const cause = { who: 'test', why: 'Test' };
const small = { provider: 'east', label: 'small', target: 'ci' };

let own: TestDatabase;
let one: TestDaemon;
let two: TestDaemon;

beforeAll(async () => {
  own = await makeTestDatabase(inject('postgresHost'));
}, 20_000);

beforeEach(async () => {
  one = await startDaemon(own);
  two = await startDaemon(own);
}, 20_000);

afterEach(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  await emptyTables(own);
});

afterAll(async () => {
  await own[Symbol.asyncDispose]();
});

async function aNode(): Promise<Node> {
  const [node] = await one.database.nodes.insert([small], cause);
  if (node === undefined) throw new Error('Nothing inserted');
  return node;
}

async function claimants(node: Node): Promise<readonly string[]> {
  const [first, second] = [await one.database.nodes.claim(node.id), await two.database.nodes.claim(node.id)];
  return [first === undefined ? '' : 'one', second === undefined ? '' : 'two'].filter((name) => name !== '');
}

const idsOf = (nodes: readonly Node[]): readonly number[] => nodes.map(({ id }) => id);
const CLAIMABLE = { claimable: true } as const;

test('of two daemons that claim a hundred rows at once each row gets one, and keeps it', async () => {
  const nodes = await one.database.nodes.insert(Array<typeof small>(100).fill(small), cause);

  const outcomes = await Promise.all(
    nodes.map(({ id }) => Promise.all([one.database.nodes.claim(id), two.database.nodes.claim(id)])),
  );
  const again = await Promise.all(nodes.map(({ id }) => two.database.nodes.claim(id)));

  expect(outcomes.map((pair) => pair.filter((node) => node !== undefined).length)).toEqual(Array(100).fill(1));
  expect(again).toEqual(outcomes.map(([, second]) => second));
});

test('a claim gives the row as it is, with its version and without a word in its history', async () => {
  const node = await aNode();

  const claimed = await one.database.nodes.claim(node.id);
  const again = await one.database.nodes.claim(node.id);

  expect(claimed).toEqual(node);
  expect(again).toEqual(node);
  expect(await one.database.history.list('node', node.id)).toHaveLength(1);
  expect(await one.database.nodes.claim(node.id + 1)).toBeUndefined();
});

test('what another living daemon works on is not listed as claimable, and its facts cannot be stored', async () => {
  const [mine, theirs, free] = [await aNode(), await aNode(), await aNode()];
  await one.database.nodes.claim(mine.id);
  await two.database.nodes.claim(theirs.id);

  const listed = await one.database.nodes.list(CLAIMABLE);
  const refused = await one.database.nodes.record(theirs.id, { ip: '192.0.2.1' });

  expect(idsOf(listed)).toEqual([mine.id, free.id]);
  expect(refused).toBeUndefined();
  expect(one.life.ended.aborted).toBe(false);
  expect(idsOf(await one.database.nodes.list())).toEqual([mine.id, theirs.id, free.id]);
});

test('the rows of a dead daemon are free, also for a fact that it just stores', async () => {
  const node = await aNode();
  await one.database.nodes.claim(node.id);
  await endDaemon(own, one);

  const listed = await two.database.nodes.list(CLAIMABLE);
  const claimed = await two.database.nodes.claim(node.id);

  expect(idsOf(listed)).toEqual([node.id]);
  expect(claimed).toEqual(node);
  await expect(one.database.nodes.record(node.id, { attempt: systemRandomness.uuid() })).rejects.toThrow(
    'it was not heard of for 16 s',
  );
});

test('events are for all: a node may be moved on by a daemon that did not launch it', async () => {
  const node = await aNode();
  await one.database.nodes.claim(node.id);

  const ready = await one.database.nodes.apply(node, 'launched', cause);
  const used = ready && (await two.database.nodes.apply(ready, 'jobStarted', cause));

  expect(used).toMatchObject({ state: 'used' });
});

describe('a node in state delete', () => {
  async function aReadyNode(): Promise<Node> {
    const node = await aNode();
    await one.database.nodes.claim(node.id);
    const ready = await one.database.nodes.apply(node, 'launched', cause);
    if (ready === undefined) throw new Error('It is not ready');
    return ready;
  }

  test('is deleted by the daemon that heard of the end of its job first', async () => {
    const node = await aReadyNode();

    await two.database.nodes.apply(node, 'jobFinished', cause);

    expect(await claimants(node)).toEqual(['two']);
  });

  test('is for whoever comes first if an operator marked it', async () => {
    const node = await aReadyNode();
    const deps = { clock: new FakeClock(), randomness: systemRandomness, log: new RecordingLogger() };
    await using cli = await openDatabase({ url: own.url, program: 'cli:root' }, deps, neverAborted);

    const read = await cli.nodes.claim(node.id);
    await cli.nodes.apply(node, 'deleted', cause);
    const claimed = await two.database.nodes.claim(node.id);

    expect(read).toEqual(node);
    expect(claimed).toMatchObject({ state: 'delete' });
  });

  test('stays with the daemon whose launch may be under way', async () => {
    const node = await aNode();
    await one.database.nodes.claim(node.id);

    await two.database.nodes.apply(node, 'overdue', cause);

    expect(await claimants(node)).toEqual(['one']);
  });

  test('is kept by the daemon whose launch failed', async () => {
    const node = await aNode();
    await one.database.nodes.claim(node.id);

    await one.database.nodes.apply(node, 'launchFailed', cause);

    expect(await claimants(node)).toEqual(['one']);
  });

  test.each(['launchFailed', 'deleted'] as const)(
    'is not kept by a daemon that leaves deletions to another (%s)',
    async (event) => {
      await using launcher = await startDaemon(own, { roles: ['launches'] });
      const node = await aNode();
      await launcher.database.nodes.claim(node.id);

      await launcher.database.nodes.apply(node, event, cause);

      expect(idsOf(await one.database.nodes.list(CLAIMABLE))).toEqual([node.id]);
      expect(await claimants(node)).toEqual(['one']);
    },
  );
});
