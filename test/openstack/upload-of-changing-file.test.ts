import { appendFileSync, rmSync, truncateSync, utimesSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ImageFileError } from '../../src/provider/image-upload.ts';
import { HastyClock } from '../fakes/hasty-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { anImageFile, glanceFacts, imageBytes, isContent } from './an-image-file.ts';
import { openTestProvider } from './open-test-provider.ts';
import { ReplayCloud } from './replay-cloud.ts';

const ID = 'e7b10a80-b7d3-452a-a225-b34913d9bb7d';
const PUT = `PUT /v2/images/${ID}/file`;
const CONTENT = imageBytes(3_000_000);

async function startCloud(): Promise<ReplayCloud> {
  const cloud = await ReplayCloud.start();
  cloud.on('POST /v2/images', { status: 201, json: { id: ID, status: 'queued' } });
  cloud.on(PUT, { status: 204 });
  cloud.on(`GET /v2/images/${ID}`, { json: { id: ID, status: 'active', ...glanceFacts(CONTENT) } });
  cloud.on(`DELETE /v2/images/${ID}`, { status: 204 });
  return cloud;
}

/** Does something to the file when the first piece of it went out. */
async function uploadWhile(cloud: ReplayCloud, act: (path: string) => void, signal = neverAborted) {
  const path = anImageFile(CONTENT);
  const { provider } = openTestProvider(cloud.url, {}, { clock: new HastyClock() });
  let isDone = false;
  const onProgress = (): void => {
    if (!isDone) act(path);
    isDone = true;
  };
  const upload = { name: 'img', path, format: 'raw', properties: {} };
  return await provider.uploadImage(upload, { onProgress }, signal);
}

const deletes = (cloud: ReplayCloud): number => cloud.seen(`DELETE /v2/images/${ID}`).length;

describe('a file that is uploaded', () => {
  test.each<[string, (path: string) => void]>([
    ['becomes shorter', (path) => { truncateSync(path, 300_000); }], // prettier-ignore
    ['becomes longer', (path) => { appendFileSync(path, 'more'); }], // prettier-ignore
    ['is written to and stays as long', (path) => { utimesSync(path, 1, 1); }], // prettier-ignore
  ])('and meanwhile %s is to blame, and no image of it stays', async (_, act) => {
    await using cloud = await startCloud();

    const failure = uploadWhile(cloud, act);

    await expect(failure).rejects.toBeInstanceOf(ImageFileError);
    await expect(failure).rejects.toThrow('it changed while it was read');
    expect(deletes(cloud)).toBe(1);
  });

  test('and removed meanwhile is sent to its end: it is open', async () => {
    await using cloud = await startCloud();

    const image = await uploadWhile(cloud, (path) => {
      rmSync(path);
    });

    expect(image.status).toBe('active');
    expect(isContent(cloud.seen(PUT)[0]?.body, CONTENT)).toBe(true);
  });

  test('and another put in its place before the second try is not mixed with it', async () => {
    await using cloud = await startCloud();
    cloud.on(PUT, { status: 401, text: 'Unauthorized' }, { status: 204 });

    await uploadWhile(cloud, (path) => {
      rmSync(path);
      appendFileSync(path, 'another file');
    });

    expect(isContent(cloud.seen(PUT).at(-1)?.body, CONTENT)).toBe(true);
  });

  test('until who asked for it gives up is deleted before the caller hears of the end', async () => {
    await using cloud = await startCloud();
    cloud.on(PUT, { fault: 'stall' });
    const abort = new AbortController();

    const failure = uploadWhile(
      cloud,
      () => {
        abort.abort(new Error('we stop'));
      },
      abort.signal,
    );

    await expect(failure).rejects.toThrow('we stop');
    expect(deletes(cloud)).toBe(1);
  });

  test('is not sent where it is a folder', async () => {
    await using cloud = await startCloud();
    const { provider } = openTestProvider(cloud.url);
    const upload = { name: 'img', path: import.meta.dirname, format: 'raw', properties: {} };

    await expect(provider.uploadImage(upload, {}, neverAborted)).rejects.toThrow('it is no regular file');
    expect(cloud.requests).toEqual([]);
  });
});
