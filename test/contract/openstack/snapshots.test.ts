import { afterAll, beforeAll, expect, test } from 'vitest';
import { at } from './at.ts';
import type { RawAnswer } from './raw-http.ts';
import { MISSING, Tenant } from './tenant.ts';

const TASKS = ['image_snapshot_pending', 'image_snapshot', 'image_pending_upload', 'image_uploading', null];

let tenant: Tenant;
/** Snapshots are taken of it, one after the other. */
let server: string;

beforeAll(async () => {
  tenant = await Tenant.open();
  server = await tenant.makeServer('shooter');
});
afterAll(async () => {
  await tenant.subject.close();
});

const shoot = (createImage: object, version = '2.1'): Promise<RawAnswer> =>
  tenant.nova(`POST /servers/${server}/action`, { body: { createImage }, version });

/** Starts a snapshot; gives the image's id. */
async function startSnapshot(name: string): Promise<string> {
  return String(at((await shoot({ name }, '2.45')).json, 'image_id'));
}

const findImage = async (id: string): Promise<Record<string, unknown> | undefined> => {
  const answer = await tenant.glance(`GET /images/${id}`);
  return answer.status === 404 ? undefined : (answer.json as Record<string, unknown>);
};

test('S1, S3: at 2.1 the id is the end of Location; the image is there at once, queued, with its metadata', async () => {
  const answer = await shoot({ name: 'shot', metadata: { nodepool: 'yes' } });
  const location = answer.headers['location'] ?? '';
  const id = location.split('/').at(-1) ?? '';
  const image = await findImage(id);

  expect([answer.status, answer.text, answer.headers['content-type']]).toEqual([202, '', 'text/html; charset=UTF-8']);
  expect(location).toBe(`${tenant.subject.origins.image}/images/${id}`);
  expect(image).toMatchObject({
    ...{ name: 'shot', status: 'queued', disk_format: null, size: null, visibility: 'private', min_disk: 20 },
    ...{ image_type: 'snapshot', base_image_ref: tenant.ids.baseImage, instance_uuid: server, nodepool: 'yes' },
  });
  await tenant.awaitStatus(server, 'ACTIVE');
});

test('S2: at 2.45 the id is in the body, and there is no Location', async () => {
  const answer = await shoot({ name: 'shot' }, '2.45');

  expect([answer.status, answer.headers['content-type']]).toEqual([202, 'application/json']);
  expect(answer.json).toEqual({ image_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown });
  expect(answer.headers).not.toHaveProperty('location');
  await tenant.awaitStatus(server, 'ACTIVE');
});

test('S4, S5: the image turns active before the task is over, and the server stays ACTIVE all the time', async () => {
  const id = await startSnapshot('shot');

  const seen: { status: unknown; task: string | null; image: unknown }[] = [];
  await tenant.until('the snapshot to end', async () => {
    const shown = await tenant.findServer(server); // first: so a task that is over must show the image active
    const image = await findImage(id);
    const task = shown?.['OS-EXT-STS:task_state'] as string | null;
    seen.push({ status: shown?.['status'], task, image: image?.['status'] });
    return task === null;
  });

  const rank = (order: readonly unknown[], values: readonly unknown[]): number[] => values.map((v) => order.indexOf(v));
  const tasks = rank(
    TASKS,
    seen.map((each) => each.task),
  );
  const images = rank(
    ['queued', 'saving', 'active'],
    seen.map((each) => each.image),
  );
  for (const places of [tasks, images]) {
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort());
  }
  expect(new Set(seen.map(({ status }) => status))).toEqual(new Set(['ACTIVE']));
  expect(seen.at(-1)).toEqual({ status: 'ACTIVE', task: null, image: 'active' });
});

test('S6: a second snapshot meanwhile is a conflict that names the task', async () => {
  await startSnapshot('shot');

  const second = await shoot({ name: 'shot' });

  const message = expect.stringMatching(
    `^Cannot 'createImage' instance ${server} while it is in task_state image_`,
  ) as unknown;
  expect([second.status, second.json]).toEqual([409, { conflictingRequest: { code: 409, message } }]);
  await tenant.awaitStatus(server, 'ACTIVE');
});

test('S7: a snapshot needs a name and a server', async () => {
  const nameless = await shoot({});
  const body = { createImage: { name: 'x' } };
  const serverless = await tenant.nova(`POST /servers/${MISSING}/action`, { body });

  expect([nameless.status, serverless.status]).toEqual([400, 404]);
});

test('S8: a snapshot that fails on the host disappears, and leaves the server as it was, without a fault', async () => {
  await tenant.subject.failNext({ on: 'snapshot' });
  const id = await startSnapshot('shot');

  await tenant.until('the image to go', async () => (await findImage(id)) === undefined);

  const shown = await tenant.awaitStatus(server, 'ACTIVE');
  expect(shown).not.toHaveProperty('fault');
});

test('S9: an image that is deleted meanwhile is gone, and the server comes out of its task', async () => {
  const id = await startSnapshot('shot');

  const deleted = await tenant.glance(`DELETE /images/${id}`);

  expect([deleted.status, await findImage(id)]).toEqual([204, undefined]);
  await tenant.awaitStatus(server, 'ACTIVE');
  expect(await findImage(id)).toBeUndefined();
});

test('S9: a server that is deleted meanwhile takes the image with it', async () => {
  server = await tenant.makeServer('passing');
  const id = await startSnapshot('shot');

  await tenant.removeServer(server);

  await tenant.until('the image to go', async () => (await findImage(id)) === undefined);
});

test('S10: an image may be deleted while servers made from it live', async () => {
  server = await tenant.makeServer('parent');
  const imageRef = await startSnapshot('shot');
  await tenant.awaitStatus(server, 'ACTIVE');
  const child = await tenant.makeServer('child', { imageRef });

  expect((await tenant.glance(`DELETE /images/${imageRef}`)).status).toBe(204);

  expect(await tenant.findServer(child)).toMatchObject({ status: 'ACTIVE', image: { id: imageRef } });
});
