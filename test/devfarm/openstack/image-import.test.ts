import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { getToken, type RawAnswer, sendRaw } from '../../contract/openstack/raw-http.ts';
import { EmulatorRig } from './emulator-rig.ts';

const STORE = '/swift/v1/farm';
const ACCOUNT = { userName: 'nodepool', password: 'devfarm', projectName: 'nodepool' };
const IMPORT = { type: 'import', input: { import_from: 'images/disk', image_properties: { name: 'imported' } } };

async function open(from?: string): Promise<EmulatorRig> {
  return await EmulatorRig.open({ options: { imageTasks: true }, ...(from !== undefined && { from }) });
}

async function putObject(rig: EmulatorRig, name: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const token = await getToken(rig.emulator.origins.identity, ACCOUNT);
  const url = `${rig.emulator.origins.image}${STORE}/images/${name}`;
  const all = { 'x-auth-token': token, 'content-type': 'application/octet-stream', ...headers };
  return await sendRaw({ method: 'PUT', url, headers: all, body: 'data' });
}

const taskOf = async (rig: EmulatorRig, id: unknown) => await rig.json('image', `GET /v2/tasks/${String(id)}`);

/** Asks until the task has ended: each question is an event of the emulator, not of a clock. */
async function untilEnded(rig: EmulatorRig, id: unknown): Promise<void> {
  for (let asked = 0; asked < 1000; asked += 1) {
    if ((await taskOf(rig, id))['status'] !== 'processing') return;
  }
  throw new Error('The task never ended');
}

test('objects are kept in containers, with size and MD5, and are removed from the disk too', async () => {
  await using rig = await open();
  expect((await putObject(rig, 'disk')).status).toBe(404);
  const made = await rig.call('image', `PUT ${STORE}/images`);
  const again = await rig.call('image', `PUT ${STORE}/images`);

  const put = await putObject(rig, 'disk');
  const head = await rig.call('image', `HEAD ${STORE}/images/disk`);

  expect([made.status, again.status, put.status]).toEqual([201, 202, 201]);
  const etag = '8d777f385d3dfec8815d20f7496026dc';
  expect([put.headers['etag'], head.headers['etag'], head.headers['content-length']]).toEqual([etag, etag, '4']);
  expect(await rig.call('image', `GET ${STORE}/images`)).toMatchObject({
    json: [{ name: 'disk', bytes: 4, hash: etag }],
  });
  expect((await rig.call('image', `DELETE ${STORE}/images/disk`)).status).toBe(204);
  expect((await rig.call('image', `DELETE ${STORE}/images/disk`)).status).toBe(404);
  expect(await readdir(join(rig.stateDir, 'objects'))).toEqual([]);
});

test('an object goes by itself when its client said so', async () => {
  await using rig = await open();
  await rig.call('image', `PUT ${STORE}/images`);
  await putObject(rig, 'disk', { 'x-delete-after': '60' });

  await rig.clock.advance(59_000);
  expect((await rig.call('image', `HEAD ${STORE}/images/disk`)).status).toBe(200);
  await rig.clock.advance(1000);

  expect((await rig.call('image', `HEAD ${STORE}/images/disk`)).status).toBe(404);
});

test('a task makes an image of an object, and that of a missing one fails', async () => {
  await using rig = await open();
  await rig.call('image', `PUT ${STORE}/images`);
  const early = await rig.json('image', 'POST /v2/tasks', IMPORT);
  await rig.clock.advance(1000);
  await putObject(rig, 'disk');
  const task = await rig.json('image', 'POST /v2/tasks', IMPORT);
  expect(await taskOf(rig, task['id'])).toMatchObject({ status: 'processing', result: null });

  await rig.clock.advance(1000);
  await untilEnded(rig, task['id']);

  expect(await taskOf(rig, early['id'])).toMatchObject({
    status: 'failure',
    message: 'Object images/disk cannot be found',
  });
  expect(await rig.json('image', 'GET /v2/images?name=imported')).toMatchObject({
    images: [{ status: 'active', size: 4, disk_format: 'vhd', visibility: 'private' }],
  });
});

test('a task that a kill cut off has failed', async () => {
  await using killed = await open();
  const { id } = await killed.json('image', 'POST /v2/tasks', IMPORT);

  await using rig = await open(killed.stateDir);

  expect(await taskOf(rig, id)).toMatchObject({ status: 'failure', message: 'Interrupted' });
});
