import { describe, expect, test } from 'vitest';
import { QuotaExceededError, RequestRefusedError, TransientProviderError } from '../../../src/provider/errors.ts';
import type { UploadWatch } from '../../../src/provider/image-upload.ts';
import { isMadeByUpload, uploadProperties } from '../../../src/provider/upload-owner.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { aSparseImageFile } from '../../openstack/an-image-file.ts';
import { at } from '../openstack/at.ts';
import { getToken, sendRaw } from '../openstack/raw-http.ts';
import { EmulatedCloud } from './emulated-cloud.ts';

// These need faults that no real cloud makes on request; what holds on both is in image-upload-contract.ts.

const PUT = { service: 'image', method: 'PUT', path: '/file$' };
/** More than the buffers between us and the cloud hold. */
const LARGE_BYTES = 24 * 1024 * 1024;
const OWNER = { provider: 'wmf', image: 'trusty', buildId: 3, uploadId: 7, installation: 'inst-1' };

async function upload(cloud: EmulatedCloud, watch: UploadWatch = {}, signal = neverAborted) {
  const facts = {
    name: 'img',
    path: aSparseImageFile(LARGE_BYTES),
    format: 'raw',
    properties: uploadProperties(OWNER),
  };
  return await cloud.provider.uploadImage(facts, watch, signal);
}

describe('an upload to a faulty cloud', { timeout: 30_000 }, () => {
  test.each([
    { where: 'is down', effect: { status: 503 }, kind: TransientProviderError },
    {
      where: 'has the image in another state',
      effect: { status: 409, message: 'from active' },
      kind: RequestRefusedError,
    },
    { where: 'breaks the connection', effect: { cut: 'before' }, kind: TransientProviderError },
  ])('leaves nothing where it $where', async ({ effect, kind }) => {
    await using cloud = await EmulatedCloud.start();
    await cloud.addFault({ match: PUT, effect });

    await expect(upload(cloud)).rejects.toBeInstanceOf(kind);
    expect(await cloud.provider.listImages(neverAborted)).toEqual([]);
  });

  test('leaves nothing where the project has no room for so much data', async () => {
    await using cloud = await EmulatedCloud.start();
    await cloud.allowImageBytes(LARGE_BYTES - 1);

    await expect(upload(cloud)).rejects.toBeInstanceOf(QuotaExceededError);
    expect(await cloud.provider.listImages(neverAborted)).toEqual([]);
    await cloud.allowImageBytes(LARGE_BYTES);
    expect((await upload(cloud)).status).toBe('active');
  });

  test('ends where somebody deletes the image meanwhile', async () => {
    await using cloud = await EmulatedCloud.start();
    const onCreated = (id: string): Promise<void> => cloud.provider.deleteImage(id, neverAborted);

    await expect(upload(cloud, { onCreated })).rejects.toBeInstanceOf(RequestRefusedError);
    expect(await cloud.provider.listImages(neverAborted)).toEqual([]);
  });

  test('is whole where its answer alone is lost: gigabytes are not sent twice', async () => {
    await using cloud = await EmulatedCloud.start();
    await cloud.addFault({ match: PUT, effect: { cut: 'after' } });

    const image = await upload(cloud);

    expect(await cloud.provider.listImages(neverAborted)).toEqual([image]);
  });

  test('holds up no other call, however many of them hang', async () => {
    await using cloud = await EmulatedCloud.start();
    await cloud.addFault({ match: PUT, effect: { hang: 'before' } });
    const abort = new AbortController();
    const ends: Promise<unknown>[] = [];
    const beginOne = (): Promise<void> =>
      new Promise((resolve) => {
        ends.push(upload(cloud, { onProgress: () => { resolve(); } }, abort.signal).catch(() => 'ended')); // prettier-ignore
      });
    for (let begun = 0; begun < 4; begun += 1) await beginOne(); // as many as go at once

    expect(await cloud.provider.listServers(neverAborted)).toEqual([]);

    abort.abort(new Error('we stop'));
    expect(await Promise.all(ends)).toEqual(['ended', 'ended', 'ended', 'ended']);
    expect(await cloud.provider.listImages(neverAborted)).toEqual([]);
  });

  test('that is cut off by our own end is found by its properties, so that a later pass removes it', async () => {
    await using cloud = await EmulatedCloud.start();
    const { account, provider } = cloud;
    await cloud.addFault({ match: PUT, effect: { hang: 'before' } });

    const failure = upload(cloud, { onProgress: () => void provider.close() });

    await expect(failure).rejects.toThrow();
    const headers = { 'x-auth-token': await getToken(account.origins.identity, account) };
    const { json } = await sendRaw({ method: 'GET', url: `${account.origins.image}/v2/images`, headers });
    const images = at(json, 'images') as Record<string, string>[];
    expect(images.filter((image) => isMadeByUpload(image, OWNER))).toMatchObject([{ name: 'img', status: 'queued' }]);
  });
});
