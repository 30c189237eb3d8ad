import { afterAll, afterEach, beforeAll, inject } from 'vitest';
import type { Database } from '../../../src/db/database.ts';
import { openDatabase } from '../../../src/db/database.ts';
import { systemRandomness } from '../../../src/runtime/randomness.ts';
import type { TestDatabase } from '../../db/test-database.ts';
import { makeTestDatabase } from '../../db/test-database.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import { describeDibImageStore, type DibImageStoreWorld } from './dib-image-store-contract.ts';
import { describeHistory } from './history-contract.ts';
import { describeIdStore, type IdWorld } from './id-store-contract.ts';
import type { ImageStoreWorld } from './image-store-contract.ts';
import { describeImageStore } from './image-store-contract.ts';
import type { NodeStoreWorld } from './node-store-contract.ts';
import { describeNodeStore } from './node-store-contract.ts';

let own: TestDatabase;
let database: Database | undefined;

beforeAll(async () => {
  own = await makeTestDatabase(inject('postgresHost'));
}, 20_000);

afterEach(async () => {
  await database?.close();
  await own.query(
    'truncate node, subnode, snapshot_image, dib_image, image_pause, build_failure, history restart identity',
  );
});

afterAll(async () => {
  await own[Symbol.asyncDispose]();
});

async function makeWorld(): Promise<NodeStoreWorld & ImageStoreWorld & DibImageStoreWorld & IdWorld> {
  const clock = new FakeClock();
  const deps = { clock, randomness: systemRandomness, log: new RecordingLogger() };
  database = await openDatabase({ url: own.url, program: 'test' }, deps, neverAborted);
  const { nodes, images, dibImages, imagePauses, imageData, history, ids } = database;
  const addSubnodes = async (nodeId: number, count: number): Promise<void> => {
    const sql = 'insert into subnode (node_id, state, state_time) select $1, 1, 0 from generate_series(1, $2)';
    await own.query(sql, [nodeId, count]);
  };
  const nextId = async (): Promise<number> => {
    const [node] = await nodes.insert([{ provider: 'east', label: 'small', target: 'ci' }], {
      who: 'test',
      why: 'test',
    });
    return node?.id ?? 0;
  };
  return { nodes, images, dibImages, imagePauses, imageData, history, ids, nextId, clock, addSubnodes };
}

describeNodeStore('PgNodeStore', makeWorld);
describeHistory('PgHistoryStore', makeWorld);
describeImageStore('PgImageStore', makeWorld);
describeDibImageStore('PgDibImageStore', makeWorld);
describeIdStore('PgIdStore', makeWorld);
