import { describe, expect, test } from 'vitest';
import { RequestRefusedError, TransientProviderError, UnknownOutcomeError } from '../../src/provider/errors.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { openTestProvider } from './open-test-provider.ts';
import { recorded, ReplayCloud, type Reply } from './replay-cloud.ts';

const ID = '3e2e422d-6820-4368-8dae-cc5886ad0cef';
const OWNER = 'a698080302fb4b509d3fe0b7edba3f3b';
const ACTION = 'POST /v2.1/servers/srv-1/action';

describe('findImage', () => {
  test('asks for a UUID by id and gives the properties', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(`GET /v2/images/${ID}`, { json: recorded('image-active') });
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.findImage(ID, neverAborted)).toMatchObject({
      id: ID,
      name: 'shot-1',
      status: 'active',
      properties: { nodepool: 'yes', image_type: 'snapshot', instance_uuid: '4f2518ce-1df3-4bbb-9dcd-1e021f5e30b6' },
    });
  });

  test('keeps Glance`s own keys out of the properties', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(`GET /v2/images/${ID}`, { json: recorded('image-queued') });
    const { provider } = openTestProvider(cloud.url);

    const image = await provider.findImage(ID, neverAborted);

    expect(image?.status).toBe('queued');
    expect(image?.properties).not.toHaveProperty('owner');
    expect(image?.properties).not.toHaveProperty('schema');
  });

  test('gives undefined for a missing one, whatever form Glance gives its error', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(`GET /v2/images/${ID}`, { status: 404, text: '<html>404 Not Found</html>', type: 'text/html' });
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.findImage(ID, neverAborted)).toBeUndefined();
  });

  test('takes the newest active image of a name', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('GET /v2/images', { json: { images: [recorded('image-active')] } });
    const { provider } = openTestProvider(cloud.url);

    expect((await provider.findImage('Ubuntu 14.04', neverAborted))?.id).toBe(ID);
    const query = new URLSearchParams(cloud.seen('GET /v2/images')[0]?.query);
    expect(Object.fromEntries(query)).toEqual({
      name: 'Ubuntu 14.04',
      status: 'active',
      sort: 'created_at:desc',
      limit: '1',
    });
  });

  test('gives undefined where no image has that name', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('GET /v2/images', { json: { images: [], first: '/v2/images', schema: '/v2/schemas/images' } });
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.findImage('missing', neverAborted)).toBeUndefined();
  });
});

describe('listImages', () => {
  test('lists the project`s own images only, page by page', async () => {
    await using cloud = await ReplayCloud.start();
    const image = recorded('image-active') as object;
    const next = `limit=500&owner=${OWNER}&marker=a`;
    cloud.on('GET /v2/images', { json: { images: [{ ...image, id: 'a' }], next: `/v2/images?${next}` } });
    cloud.on(`GET /v2/images?${next}`, { json: { images: [{ ...image, id: 'b' }] } });
    const { provider } = openTestProvider(cloud.url);

    const images = await provider.listImages(neverAborted);

    expect(images.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(cloud.seen('GET /v2/images')[0]?.query).toBe(`limit=500&owner=${OWNER}`);
  });
});

describe('createSnapshot', () => {
  const at21 = {
    status: 202,
    text: '',
    type: 'text/html; charset=UTF-8',
    headers: { location: `http://inner:9292/images/${ID}` },
  };

  test.each([
    ['the end of Location at 2.1', at21],
    ['the body from 2.45 on', { status: 202, json: { image_id: ID } }],
  ] as [string, Reply][])('takes the id from %s', async (_, reply) => {
    await using cloud = await ReplayCloud.start();
    cloud.on(ACTION, reply);
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.createSnapshot('srv-1', 'shot', { a: 'b' }, neverAborted)).toBe(ID);
    expect(cloud.seen(ACTION)[0]?.body).toEqual({ createImage: { name: 'shot', metadata: { a: 'b' } } });
  });

  test.each([
    ['without id', { status: 202, text: '', type: 'text/html' }],
    ['that is lost', { fault: 'cut' }],
  ] as [string, Reply][])('has an unknown outcome after an answer %s', async (_, reply) => {
    await using cloud = await ReplayCloud.start();
    cloud.on(ACTION, reply);
    const { provider } = openTestProvider(cloud.url);

    const failure = provider.createSnapshot('srv-1', 'shot', {}, neverAborted);

    await expect(failure).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect(cloud.seen(ACTION)).toHaveLength(1);
  });

  test('of a busy server may succeed later', async () => {
    await using cloud = await ReplayCloud.start();
    const message = "Cannot 'createImage' instance srv-1 while it is in task_state image_snapshot_pending";
    cloud.on(ACTION, { status: 409, json: { conflictingRequest: { code: 409, message } } });
    const { provider } = openTestProvider(cloud.url);

    const failure = provider.createSnapshot('srv-1', 'shot', {}, neverAborted);

    await expect(failure).rejects.toBeInstanceOf(TransientProviderError);
    await expect(failure).rejects.not.toBeInstanceOf(UnknownOutcomeError);
  });
});

describe('deleteImage', () => {
  test('is done when the image is gone already', async () => {
    await using cloud = await ReplayCloud.start();
    const { provider } = openTestProvider(cloud.url);

    await expect(provider.deleteImage(ID, neverAborted)).resolves.toBeUndefined();
  });

  test('of a protected image is refused', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(`DELETE /v2/images/${ID}`, { status: 403, text: 'Image is protected', type: 'text/plain' });
    const { provider } = openTestProvider(cloud.url);

    await expect(provider.deleteImage(ID, neverAborted)).rejects.toBeInstanceOf(RequestRefusedError);
  });
});
