import { describe, expect, test } from 'vitest';
import {
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../../../src/provider/errors.ts';
import type { UploadWatch } from '../../../src/provider/image-upload.ts';
import { HastyClock } from '../../fakes/hasty-clock.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { anImageFile, aSparseImageFile, imageBytes } from '../../openstack/an-image-file.ts';
import { getToken, sendRaw } from '../openstack/raw-http.ts';
import { EmulatedCloud } from './emulated-cloud.ts';

// No OpenStack from packages has these tasks: they are Rackspace's, as shade used them.

const CONTENT = imageBytes(600_000);
const PROPERTIES = { nodepool_upload_id: '7', 'a/b~c': 'd', min_ram: '512' };
const TASKS = { service: 'image', method: 'POST', path: '/v2/tasks$' };
const PROPERTY = { service: 'image', method: 'PATCH' };
const OBJECTS = { service: 'image', method: 'PUT', path: '/swift/.*/images/.' };

async function start(): Promise<EmulatedCloud> {
  return await EmulatedCloud.start({
    emulator: { imageTasks: true },
    facts: { cloud: { imageApiUseTasks: true } },
    deps: { clock: new HastyClock() },
    apiTimeoutMs: 60_000,
  });
}

async function upload(cloud: EmulatedCloud, watch: UploadWatch = {}, path = anImageFile(CONTENT)) {
  const facts = { name: 'imported', path, format: 'vhd', properties: PROPERTIES };
  return await cloud.provider.uploadImage(facts, watch, neverAborted);
}

/** What is left in the store and in Glance. */
async function leftIn({ account, provider }: EmulatedCloud): Promise<readonly unknown[]> {
  const url = `${account.origins.image}/swift/v1/farm/images`;
  const headers = { 'x-auth-token': await getToken(account.origins.identity, account) };
  const objects = await sendRaw({ method: 'GET', url, headers });
  const listed = objects.status === 404 ? [] : (objects.json as unknown[]);
  return [...listed, ...(await provider.listImages(neverAborted))];
}

describe('an image that is imported by a task', { timeout: 30_000 }, () => {
  test('goes by the object store, which it leaves empty, and bears its properties', async () => {
    await using cloud = await start();
    const created: string[] = [];

    const image = await upload(cloud, { onCreated: (id) => void created.push(id) });

    expect(created).toEqual([image.id]);
    const properties = { nodepool_upload_id: '7', 'a/b~c': 'd' };
    expect(image).toMatchObject({ name: 'imported', status: 'active', properties });
    expect(await leftIn(cloud)).toEqual([image]);
  });

  test('is imported again after the failure that passes, as upstream did it', async () => {
    await using cloud = await start();
    const importFails = "Image cannot be imported. Error code: '396'";
    await cloud.addFault({ match: TASKS, count: 2, effect: { importFails } });

    expect((await upload(cloud)).status).toBe('active');
  });

  test('is refused with the cloud`s reason where the cloud does not like the data, and leaves nothing', async () => {
    await using cloud = await start();
    await cloud.addFault({ match: TASKS, effect: { importFails: 'Invalid VHD' } });

    const failure = upload(cloud);

    await expect(failure).rejects.toBeInstanceOf(RequestRefusedError);
    await expect(failure).rejects.toThrow('The import of image "imported" to "wmf" failed: Invalid VHD');
    expect(await leftIn(cloud)).toEqual([]);
  });

  test.each([
    { where: 'its data is cut off', match: OBJECTS, effect: { cut: 'before' }, kind: TransientProviderError },
    { where: 'the store is down', match: OBJECTS, effect: { status: 503 }, kind: TransientProviderError },
    { where: 'the store has no room', match: OBJECTS, effect: { status: 413 }, kind: QuotaExceededError },
    { where: 'a property is refused', match: PROPERTY, effect: { status: 403 }, kind: RequestRefusedError },
  ])('leaves nothing where $where', async ({ match, effect, kind }) => {
    await using cloud = await start();
    await cloud.addFault({ match, effect });

    const failure = upload(cloud);

    await expect(failure).rejects.toBeInstanceOf(kind);
    await expect(failure).rejects.not.toBeInstanceOf(UnknownOutcomeError);
    expect(await leftIn(cloud)).toEqual([]);
  });

  test('has an unknown outcome where nobody knows whether its task was started', async () => {
    await using cloud = await start();
    await cloud.addFault({ match: TASKS, effect: { cut: 'after' } });

    await expect(upload(cloud)).rejects.toBeInstanceOf(UnknownOutcomeError);
  });

  test('is removed where its id cannot be stored', async () => {
    await using cloud = await start();
    const onCreated = (): Promise<void> => Promise.reject(new Error('the database is away'));

    await expect(upload(cloud, { onCreated })).rejects.toThrow('the database is away');
    expect(await leftIn(cloud)).toEqual([]);
  });

  test('is not begun where its file is larger than an object may be', async () => {
    await using cloud = await start();

    const failure = upload(cloud, {}, aSparseImageFile(5 * 1024 ** 3 + 1));

    await expect(failure).rejects.toThrow('it has 6 GiB, and the object store takes 5 GiB at most');
    expect(await leftIn(cloud)).toEqual([]);
  });
});
