import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ImageFileError, type UploadProgress } from '../../../src/provider/image-upload.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { anImageFile, imageBytes } from '../../openstack/an-image-file.ts';
import type { TriedCloud } from './cloud-provider-contract.ts';

/** A real cloud on a busy machine is slow. */
const TIMEOUT_MS = 90_000;
/** Three pieces. */
const CONTENT = imageBytes(600_000);
const PROPERTIES = { nodepool_upload_id: '7', nodepool_installation: 'the-installation' };

/** What every CloudProvider does with a file that is to become an image. */
export function describeImageUpload(name: string, start: () => Promise<TriedCloud>): void {
  const uploadOf = (path: string) => ({ name: 'uploaded', path, format: 'raw', properties: PROPERTIES });
  const ownImages = async ({ provider }: TriedCloud) =>
    (await provider.listImages(neverAborted)).filter(
      ({ properties }) => properties['nodepool_upload_id'] !== undefined,
    );

  describe(`${name}: uploads`, { timeout: TIMEOUT_MS }, () => {
    test.each(['raw', 'qcow2', 'vhd'])(
      'a %s file becomes an active image that bears its properties',
      async (format) => {
        await using cloud = await start();
        const upload = { ...uploadOf(anImageFile(CONTENT)), format };

        const image = await cloud.provider.uploadImage(upload, {}, neverAborted);

        expect(image).toMatchObject({ name: 'uploaded', status: 'active', properties: PROPERTIES });
        expect(await cloud.provider.findImage('uploaded', neverAborted)).toMatchObject({ id: image.id });
        expect(await ownImages(cloud)).toMatchObject([{ id: image.id, status: 'active', properties: PROPERTIES }]);
        await cloud.provider.deleteImage(image.id, neverAborted);
        expect(await ownImages(cloud)).toEqual([]);
      },
    );

    test('the image`s id is told while it has no data, and the progress up to the last byte', async () => {
      await using cloud = await start();
      const told: (CloudFacts | UploadProgress)[] = [];
      const onCreated = async (id: string): Promise<void> => {
        told.push({ id, status: (await cloud.provider.findImage(id, neverAborted))?.status });
      };
      const watch = { onCreated, onProgress: (progress: UploadProgress) => told.push(progress) };

      const { id } = await cloud.provider.uploadImage(uploadOf(anImageFile(CONTENT)), watch, neverAborted);

      expect(told[0]).toEqual({ id, status: 'queued' });
      expect(told.length).toBeGreaterThan(2);
      expect(told.at(-1)).toEqual({ sentBytes: 600_000, totalBytes: 600_000 });
    });

    test('a file that is missing or empty is refused before anything is made in the cloud', async () => {
      await using cloud = await start();
      const missing = anImageFile(CONTENT);
      rmSync(missing);

      for (const path of [missing, anImageFile(Buffer.alloc(0))]) {
        const failure = cloud.provider.uploadImage(uploadOf(path), {}, neverAborted);
        await expect(failure).rejects.toBeInstanceOf(ImageFileError);
        await expect(failure).rejects.toThrow(`Cannot upload "${path}"`);
      }

      expect(await ownImages(cloud)).toEqual([]);
    });

    test('an upload that is given up in its middle leaves nothing, and says so only then', async () => {
      await using cloud = await start();
      const abort = new AbortController();
      const watch = {
        onProgress: () => {
          abort.abort(new Error('we stop'));
        },
      };

      const failure = cloud.provider.uploadImage(uploadOf(anImageFile(CONTENT)), watch, abort.signal);

      await expect(failure).rejects.toThrow('we stop');
      expect(await ownImages(cloud)).toEqual([]);
    });

    test('an id that cannot be stored ends the upload, and leaves nothing', async () => {
      await using cloud = await start();
      const onCreated = (): Promise<void> => Promise.reject(new Error('the database is away'));

      const failure = cloud.provider.uploadImage(uploadOf(anImageFile(CONTENT)), { onCreated }, neverAborted);

      await expect(failure).rejects.toThrow('the database is away');
      expect(await ownImages(cloud)).toEqual([]);
    });
  });
}

type CloudFacts = { readonly id: string; readonly status: string | undefined };
