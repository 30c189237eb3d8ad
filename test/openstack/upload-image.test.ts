import { describe, expect, test } from 'vitest';
import {
  CredentialsRefusedError,
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../../src/provider/errors.ts';
import type { UploadWatch } from '../../src/provider/image-upload.ts';
import { HastyClock } from '../fakes/hasty-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { anImageFile, aSparseImageFile, glanceFacts, imageBytes, isContent } from './an-image-file.ts';
import { openTestProvider, type TestProvider } from './open-test-provider.ts';
import { ReplayCloud, type Reply } from './replay-cloud.ts';

const ID = 'e7b10a80-b7d3-452a-a225-b34913d9bb7d';
const CREATE = 'POST /v2/images';
const PUT = `PUT /v2/images/${ID}/file`;
const SHOW = `GET /v2/images/${ID}`;
const DELETE = `DELETE /v2/images/${ID}`;
const CONTENT = imageBytes(600_000);
/** More than the buffers between us and the cloud hold. */
const LARGE_BYTES = 24 * 1024 * 1024;

const taken: Reply = { status: 204, text: '', type: 'text/html; charset=UTF-8' };
const created: Reply = { status: 201, json: { id: ID, name: 'img', status: 'queued' } };
const shown = (facts: object): Reply => ({
  json: { id: ID, name: 'img', status: 'active', nodepool: 'yes', ...facts },
});
const whole = shown(glanceFacts(CONTENT));

/** A cloud that takes an upload of CONTENT. */
async function startCloud(): Promise<ReplayCloud> {
  const cloud = await ReplayCloud.start();
  cloud.on(CREATE, created);
  cloud.on(PUT, taken);
  cloud.on(SHOW, whole);
  cloud.on(DELETE, taken);
  return cloud;
}

/** Pauses between polls and tries are over at once, deadlines never. */
function open(cloud: ReplayCloud): TestProvider {
  return openTestProvider(cloud.url, {}, { clock: new HastyClock() });
}

type Options = { readonly path?: string; readonly watch?: UploadWatch };

async function upload(cloud: ReplayCloud, { path = anImageFile(CONTENT), watch = {} }: Options = {}) {
  const facts = { name: 'img', path, format: 'qcow2', properties: { nodepool: 'yes', min_disk: '8' } };
  return await open(cloud).provider.uploadImage(facts, watch, neverAborted);
}

describe('an upload', () => {
  test('makes a private record with its properties, then sends the file with its length', async () => {
    await using cloud = await startCloud();

    const image = await upload(cloud);

    expect(image).toEqual({ id: ID, name: 'img', status: 'active', properties: { nodepool: 'yes' } });
    expect(cloud.seen(CREATE)[0]?.body).toEqual({
      ...{ id: '00000000-0000-4000-8000-000000000001', name: 'img', visibility: 'private' },
      ...{ disk_format: 'qcow2', container_format: 'bare', nodepool: 'yes', min_disk: 8 },
    });
    const [put] = cloud.seen(PUT);
    expect(put?.headers).toMatchObject({ 'content-type': 'application/octet-stream', 'content-length': '600000' });
    expect(isContent(put?.body, CONTENT)).toBe(true);
    expect(cloud.seen(DELETE)).toEqual([]);
  });

  test('brings each byte of a long file to its place, though its buffers are used again and again', async () => {
    await using cloud = await startCloud();
    const content = imageBytes(12_000_001);
    cloud.on(SHOW, shown(glanceFacts(content)));

    await upload(cloud, { path: anImageFile(content) });

    expect(isContent(cloud.seen(PUT)[0]?.body, content)).toBe(true);
  });

  test.each([
    ['503', { status: 503, text: 'no store' }, TransientProviderError],
    ['409', { status: 409, text: 'Image status transition from active to saving is not allowed' }, RequestRefusedError],
    [
      '413: the quota of bytes',
      { status: 413, text: 'Image exceeds the storage quota: 1 remaining' },
      QuotaExceededError,
    ],
    [
      '413 at once, with most of the data unsent',
      { status: 413, text: 'too large', isEarly: true },
      QuotaExceededError,
    ],
    ['a cut in the middle', { fault: 'cut-request' }, TransientProviderError],
  ] as [string, Reply, new (...words: never[]) => Error][])('that meets %s leaves nothing', async (_, reply, kind) => {
    await using cloud = await startCloud();
    cloud.on(PUT, reply);
    cloud.on(SHOW, shown({ status: 'queued', size: null }));

    const failure = upload(cloud, { path: aSparseImageFile(LARGE_BYTES) });

    await expect(failure).rejects.toBeInstanceOf(kind);
    await expect(failure).rejects.not.toBeInstanceOf(UnknownOutcomeError);
    expect(cloud.seen(PUT).length).toBeLessThan(2);
    expect(cloud.seen(DELETE)).toHaveLength(1);
  });

  test.each([
    ['another checksum', { checksum: '0'.repeat(32) }, 'another MD5 checksum'],
    ['another hash', { os_hash_value: '0'.repeat(128) }, 'another SHA-512 hash'],
    ['less data', { size: 599_999 }, 'another size 599999 instead of 600000'],
    ['no data', { size: null }, 'another size unknown instead of 600000'],
    ['the image as killed', { status: 'killed' }, 'is "killed" after its upload'],
  ])('after which the cloud has %s leaves nothing', async (_, facts, complaint) => {
    await using cloud = await startCloud();
    cloud.on(SHOW, shown({ ...glanceFacts(CONTENT), ...facts }));

    const failure = upload(cloud);

    await expect(failure).rejects.toBeInstanceOf(TransientProviderError);
    await expect(failure).rejects.toMatchObject({ cause: { message: expect.stringContaining(complaint) as unknown } });
    expect(cloud.seen(DELETE)).toHaveLength(1);
  });

  test('is believed where the cloud tells no hashes, or such as we do not know', async () => {
    await using cloud = await startCloud();
    cloud.on(SHOW, shown({ size: 600_000, checksum: null, os_hash_algo: 'whirlpool', os_hash_value: 'ab' }));

    expect((await upload(cloud)).status).toBe('active');
  });

  test.each([
    ['is lost', { fault: 'cut' }],
    ['is the 504 of a proxy', { status: 504, text: 'Gateway Time-out' }],
  ] as [string, Reply][])('whose answer %s is good if the cloud has all of it in the end', async (_, reply) => {
    await using cloud = await startCloud();
    cloud.on(PUT, reply);
    const saving = shown({ status: 'saving', size: null });
    cloud.on(SHOW, saving, saving, whole);

    expect((await upload(cloud)).status).toBe('active');
    expect(cloud.seen(SHOW)).toHaveLength(3);
    expect(cloud.seen(DELETE)).toEqual([]);
  });

  test('whose answer is lost has failed if the cloud waits for data again', async () => {
    await using cloud = await startCloud();
    cloud.on(PUT, { fault: 'cut' });
    cloud.on(SHOW, shown({ status: 'queued', size: null }));

    await expect(upload(cloud)).rejects.toThrow('The upload of image "img" to "wmf" failed');
    expect(cloud.seen(DELETE)).toHaveLength(1);
  });

  test('whose image cannot be deleted after a failure has an unknown outcome', async () => {
    await using cloud = await startCloud();
    cloud.on(PUT, { status: 503 });
    cloud.on(SHOW, shown({ status: 'queued', size: null }));
    cloud.on(DELETE, { status: 500 });

    await expect(upload(cloud)).rejects.toBeInstanceOf(UnknownOutcomeError);
  });
});

describe('a token that is refused', () => {
  test('is replaced, and the file is sent from its beginning: never the rest of it as a whole', async () => {
    await using cloud = await startCloud();
    cloud.on('POST /v3/auth/tokens', cloud.login('token-1'), cloud.login('token-2'));
    cloud.on(PUT, { status: 401, text: 'Unauthorized' }, taken);
    const sent: number[] = [];

    await upload(cloud, { watch: { onProgress: ({ sentBytes }) => sent.push(sentBytes) } });

    expect(cloud.seen(PUT).map(({ headers }) => headers['x-auth-token'])).toEqual(['token-1', 'token-2']);
    expect(cloud.seen(PUT).map(({ body }) => isContent(body, CONTENT))).toEqual([true, true]);
    const once = [262_144, 524_288, 600_000];
    expect(sent).toEqual([...once, ...once]);
  });

  test('in the middle of the data too', async () => {
    await using cloud = await startCloud();
    const path = aSparseImageFile(LARGE_BYTES);
    cloud.on(PUT, { status: 401, text: 'Unauthorized', isEarly: true }, taken);
    cloud.on(SHOW, shown(glanceFacts(Buffer.alloc(LARGE_BYTES))));

    expect((await upload(cloud, { path })).status).toBe('active');
    expect((cloud.seen(PUT).at(-1)?.body as Buffer).length).toBe(LARGE_BYTES);
  });
});

describe('the record', () => {
  const ours = '00000000-0000-4000-8000-000000000001';
  const taken409: Reply = { status: 409, text: `Image ID ${ours} already exists!` };

  test('is made once, though the answer to its creation is lost: it has an id of ours', async () => {
    await using cloud = await startCloud();
    cloud.on(CREATE, { fault: 'cut' }, taken409);
    cloud.on(
      `GET /v2/images/${ours}`,
      shown({ id: ours, status: 'queued' }),
      shown({ ...glanceFacts(CONTENT), id: ours }),
    );
    cloud.on(`PUT /v2/images/${ours}/file`, taken);

    expect((await upload(cloud)).id).toBe(ours);
  });

  test.each([
    ['a policy', { status: 403, text: 'You are not authorized to complete add_image action.' }, RequestRefusedError],
    ['a quota of images', { status: 413, text: 'Resource image_count_total is over limit of 10' }, QuotaExceededError],
  ] as [string, Reply, new (...words: never[]) => Error][])(
    'that %s refuses is not sent data',
    async (_, reply, kind) => {
      await using cloud = await startCloud();
      cloud.on(CREATE, reply);

      await expect(upload(cloud)).rejects.toBeInstanceOf(kind);
      expect(cloud.requests.map(({ line }) => line)).not.toContain(PUT);
    },
  );

  test('is not looked for where the credentials are refused', async () => {
    await using cloud = await startCloud();
    cloud.on('POST /v3/auth/tokens', { status: 401, text: '' });
    const { provider, log } = open(cloud);
    const facts = { name: 'img', path: anImageFile(CONTENT), format: 'raw', properties: {} };

    await expect(provider.uploadImage(facts, {}, neverAborted)).rejects.toBeInstanceOf(CredentialsRefusedError);
    expect(log.messages('warn')).toEqual([]);
  });
});
