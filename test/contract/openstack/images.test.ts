import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, listAt } from './at.ts';
import type { RawAnswer } from './raw-http.ts';
import { MISSING, Tenant } from './tenant.ts';

const PATCH = 'application/openstack-images-v2.1-json-patch';
const DATA = Buffer.alloc(65_536, 'x');

let tenant: Tenant;

beforeAll(async () => {
  tenant = await Tenant.open();
});
afterAll(async () => {
  await tenant.subject.close();
});

async function create(facts: object = {}): Promise<string> {
  const body = { name: 'upload', disk_format: 'qcow2', container_format: 'bare', ...facts };
  return String(at((await tenant.glance('POST /images', { body })).json, 'id'));
}

const read = async (id: string): Promise<unknown> => (await tenant.glance(`GET /images/${id}`)).json;

const upload = (id: string, body: unknown = DATA, type = 'application/octet-stream'): Promise<RawAnswer> =>
  tenant.glance(`PUT /images/${id}/file`, { body, headers: { 'content-type': type } });

const patch = (id: string, changes: object[], type = PATCH): Promise<RawAnswer> =>
  tenant.glance(`PATCH /images/${id}`, { body: JSON.stringify(changes), headers: { 'content-type': type } });

test('G1: a new image is queued, shared and without a size; what Glance does not know becomes a property', async () => {
  const body = { name: 'upload', disk_format: 'qcow2', container_format: 'bare', nodepool_build: '17' };

  const answer = await tenant.glance('POST /images', { body });

  const id = String(at(answer.json, 'id'));
  expect([answer.status, answer.headers['location']]).toEqual([201, `${tenant.subject.origins.image}/v2/images/${id}`]);
  expect(answer.json).toMatchObject({
    ...{ status: 'queued', visibility: 'shared', size: null, owner: tenant.ids.project },
    nodepool_build: '17',
  });
});

test('G2: data that is sent makes an image active, with its size and sums', async () => {
  const id = await create();

  const answer = await upload(id);

  expect([answer.status, answer.text]).toEqual([204, '']);
  const sum = (algorithm: string): string => createHash(algorithm).update(DATA).digest('hex');
  expect(await read(id)).toMatchObject({
    ...{ status: 'active', size: DATA.length, checksum: sum('md5') },
    ...{ os_hash_algo: 'sha512', os_hash_value: sum('sha512') },
  });
});

test('G2: an image is saving while its data comes in, which may be in chunks', async () => {
  const id = await create();
  async function* chunks(): AsyncGenerator<Buffer> {
    yield DATA;
    await tenant.until('the image to be saving', async () => at(await read(id), 'status') === 'saving');
    yield DATA;
  }

  const answer = await upload(id, chunks());

  expect(answer.status).toBe(204);
  expect(await read(id)).toMatchObject({ status: 'active', size: 2 * DATA.length });
});

test('G3: data is taken once, of one type, for an image that is there', async () => {
  const id = await create();

  expect((await upload(id, 'abc', 'text/plain')).status).toBe(415);
  expect((await upload(id)).status).toBe(204);
  expect((await upload(id)).status).toBe(409);
  expect((await upload(MISSING)).status).toBe(404);
});

test('G4: a patch of the right type answers the whole image; plain JSON is refused with what would be accepted', async () => {
  const id = await create();
  const changes = [
    { op: 'replace', path: '/name', value: 'renamed' },
    { op: 'add', path: '/extra', value: 'yes' },
  ];

  const done = await patch(id, changes);
  const refused = await patch(id, changes, 'application/json');

  expect([done.status, done.json]).toMatchObject([200, { id, name: 'renamed', extra: 'yes', status: 'queued' }]);
  expect([refused.status, refused.headers['accept-patch']]).toEqual([415, expect.stringContaining(PATCH) as unknown]);
});

test('G5: a protected image, or that of another project, cannot be deleted; a deleted one is not found', async () => {
  const id = await create();
  const protect = (value: boolean): Promise<RawAnswer> => patch(id, [{ op: 'replace', path: '/protected', value }]);
  const remove = async (image: string): Promise<number> => (await tenant.glance(`DELETE /images/${image}`)).status;

  await protect(true);
  expect(await remove(id)).toBe(403);
  await protect(false);
  expect([await remove(id), await remove(id)]).toEqual([204, 404]);
  expect(await remove(tenant.ids.baseImage)).toBe(403);
});

test('G6: names are not unique; lists are filtered, sorted and cut by the query', async () => {
  const ids = [await create({ name: 'twin' }), await create({ name: 'twin' })];
  const list = async (query: string): Promise<unknown> => (await tenant.glance(`GET /images?${query}`)).json;
  const idsOf = async (query: string): Promise<unknown[]> =>
    listAt(await list(query), 'images').map((image) => at(image, 'id'));

  expect((await idsOf('name=twin')).sort()).toEqual([...ids].sort());
  expect((await idsOf(`owner=${tenant.ids.project}&status=queued&name=twin`)).sort()).toEqual([...ids].sort());
  expect(await idsOf('name=nothing')).toEqual([]);
  const page = await list('name=twin&sort=created_at:desc&limit=1');
  expect(Object.keys(page as object).sort()).toEqual(['first', 'images', 'next', 'schema']);
  expect(listAt(page, 'images')).toHaveLength(1);
  const rest = await tenant.call('image', `GET ${String(at(page, 'next'))}`);
  const both = [...listAt(page, 'images'), ...listAt(rest.json, 'images')].map((image) => at(image, 'id'));
  expect(both.sort()).toEqual([...ids].sort());
});

test.each([
  ['an unknown format', { disk_format: 'floppy' }, 400],
  ['a public image of a plain user', { visibility: 'public' }, 403],
])('G7: %s is refused', async (_what, facts, status) => {
  const body = { name: 'bad', disk_format: 'raw', container_format: 'bare', ...facts };

  expect((await tenant.glance('POST /images', { body })).status).toBe(status);
});

test('G7: broken JSON is refused', async () => {
  expect((await tenant.glance('POST /images', { body: '{bad' })).status).toBe(400);
});
