import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { sendRaw } from '../../contract/openstack/raw-http.ts';
import { EmulatorRig } from './emulator-rig.ts';

const NEW_IMAGE = { name: 'upload', disk_format: 'raw', container_format: 'bare' };

/** An upload in chunks that the test sends one by one. */
async function beginUpload(rig: EmulatorRig, imageId: string): Promise<ClientRequest> {
  const token = await tokenOf(rig);
  const upload = httpRequest(`${rig.emulator.origins.image}/v2/images/${imageId}/file`, {
    method: 'PUT',
    headers: { 'x-auth-token': token, 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' },
  });
  upload.on('error', () => undefined); // a test that breaks it off expects that
  await new Promise<void>((resolve) => {
    upload.write(Buffer.alloc(1000, 'a'), () => {
      resolve();
    });
  });
  return upload;
}

async function tokenOf(rig: EmulatorRig): Promise<string> {
  const journal = await readFile(join(rig.stateDir, 'journal.jsonl'), 'utf8');
  return /\["token","([^"]+)"/.exec(journal)?.[1] ?? '';
}

async function newImage(rig: EmulatorRig): Promise<string> {
  return (await rig.json('image', 'POST /v2/images', NEW_IMAGE))['id'] as string;
}

/** Asks until the image has the status: each question is an event of the emulator, not of a clock. */
async function untilStatus(rig: EmulatorRig, imageId: string, status: string): Promise<void> {
  for (let asked = 0; asked < 1000; asked += 1) {
    if ((await rig.json('image', `GET /v2/images/${imageId}`))['status'] === status) return;
  }
  throw new Error(`The image never became ${status}`);
}

test('an image is saving while its data comes in chunks, and then active with size and sums', async () => {
  await using rig = await EmulatorRig.open();
  const id = await newImage(rig);
  const upload = await beginUpload(rig, id);
  await untilStatus(rig, id, 'saving');

  upload.end(Buffer.alloc(500, 'b'));
  const [answer] = (await once(upload, 'response')) as [IncomingMessage];

  const data = Buffer.concat([Buffer.alloc(1000, 'a'), Buffer.alloc(500, 'b')]);
  expect(answer.statusCode).toBe(204);
  expect(await rig.json('image', `GET /v2/images/${id}`)).toMatchObject({
    status: 'active',
    size: 1500,
    checksum: createHash('md5').update(data).digest('hex'),
    os_hash_algo: 'sha512',
    os_hash_value: createHash('sha512').update(data).digest('hex'),
  });
  expect(await readFile(join(rig.stateDir, 'images', id))).toEqual(data);
});

test('an upload that breaks off leaves the image queued and no file, so that it can be tried again', async () => {
  await using rig = await EmulatorRig.open();
  const id = await newImage(rig);
  const upload = await beginUpload(rig, id);
  await untilStatus(rig, id, 'saving');

  upload.destroy();
  await untilStatus(rig, id, 'queued');

  expect(await readdir(join(rig.stateDir, 'images'))).toEqual([]);
});

test('data beyond the quota of bytes is refused, announced or not, and leaves the image queued and no file', async () => {
  await using rig = await EmulatorRig.open({
    options: { projects: [{ name: 'nodepool', quota: { imageBytes: 1200 } }] },
  });
  const id = await newImage(rig);
  const chunked = await beginUpload(rig, id);
  chunked.end(Buffer.alloc(500, 'b'));
  const [answer] = (await once(chunked, 'response')) as [IncomingMessage];
  expect([answer.statusCode, await text(answer)]).toEqual([413, expect.stringContaining('exceeds the storage quota')]);

  const announced = await sendRaw({
    method: 'PUT',
    url: `${rig.emulator.origins.image}/v2/images/${id}/file`,
    headers: { 'x-auth-token': await tokenOf(rig), 'content-type': 'application/octet-stream' },
    body: 'c'.repeat(1201),
  });

  expect(announced.status).toBe(413);
  expect(await rig.json('image', `GET /v2/images/${id}`)).toMatchObject({ status: 'queued', size: null });
  expect(await readdir(join(rig.stateDir, 'images'))).toEqual([]);
});

test('an image may be created under an id of the client`s, once', async () => {
  await using rig = await EmulatorRig.open();
  const id = 'e7b10a80-b7d3-452a-a225-b34913d9bb7d';

  const made = await rig.json('image', 'POST /v2/images', { ...NEW_IMAGE, id });
  const again = await rig.call('image', 'POST /v2/images', { ...NEW_IMAGE, id });
  const wrong = await rig.call('image', 'POST /v2/images', { ...NEW_IMAGE, id: 'mine' });

  expect(made['id']).toBe(id);
  expect([again.status, again.text]).toEqual([409, expect.stringContaining(`Image ID ${id} already exists!`)]);
  expect(wrong.status).toBe(400);
});

test('an image that is deleted takes its data from the disk', async () => {
  await using rig = await EmulatorRig.open();
  const id = await newImage(rig);
  const upload = await beginUpload(rig, id);
  upload.end();
  await once(upload, 'response');

  expect((await rig.call('image', `DELETE /v2/images/${id}`)).status).toBe(204);

  expect(await readdir(join(rig.stateDir, 'images'))).toEqual([]);
});

test('a list without a limit has 25 images and a link to the next, as Glance pages by itself', async () => {
  await using rig = await EmulatorRig.open();
  for (let made = 0; made < 30; made += 1) await newImage(rig);

  const first = (await rig.json('image', 'GET /v2/images?name=upload')) as { images: unknown[]; next: string };
  const second = (await rig.json('image', `GET ${first.next}`)) as { images: unknown[]; next?: string };

  expect([first.images.length, second.images.length, second.next]).toEqual([25, 5, undefined]);
});
