import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ApiFailure } from './api-call.ts';
import type { Answer, Call } from './api-call.ts';
import type { ImageRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';

type Sums = { readonly sizeBytes: number; readonly checksum: string; readonly hashValue: string };

/**
 * `PUT /v2/images/{id}/file`: streams the data to disk, never whole in memory. An upload that breaks off leaves the
 * image `queued`, so that it may be tried again.
 * @throws {ApiFailure} 415, 409, 410
 */
export async function uploadImage(image: ImageRecord, call: Call, cloud: Cloud): Promise<Answer> {
  if (image.status !== 'queued') {
    throw new ApiFailure(409, `Image status transition from ${image.status} to saving is not allowed`);
  }
  if (image.diskFormat === null || image.containerFormat === null) {
    throw new ApiFailure(400, 'Properties disk_format, container_format must be set prior to saving data.');
  }
  change(image.id, { status: 'saving' }, cloud);
  try {
    const { file, sums } = await store(image.id, call.upload ?? Readable.from([]), cloud);
    if (file !== undefined) {
      await cloud.deps.backend.importImage({ imageId: image.id, file, diskFormat: image.diskFormat });
    }
    const done = change(image.id, { status: 'active', ...sums, ...(file === undefined ? {} : { file }) }, cloud);
    if (done === undefined) return await answerGone(image.id, file, cloud);
  } catch (error) {
    change(image.id, { status: 'queued' }, cloud);
    throw error;
  }
  return { status: 204, headers: { 'content-type': 'text/html; charset=UTF-8' } };
}

/** Uploads that a crash cut off may be tried again. */
export function resetBrokenUploads(cloud: Cloud): void {
  for (const image of cloud.images.where(({ status }) => status === 'saving'))
    change(image.id, { status: 'queued' }, cloud);
}

async function store(
  imageId: string,
  data: Readable,
  cloud: Cloud,
): Promise<{ readonly file: string | undefined; readonly sums: Sums }> {
  const meter = new Meter();
  if (!cloud.options.keepImageData) {
    await pipeline(
      data,
      meter,
      new Writable({
        write: (_chunk, _encoding, done) => {
          done();
        },
      }),
    );
    return { file: undefined, sums: meter.sums() };
  }
  const folder = join(cloud.options.stateDir, 'images');
  await mkdir(folder, { recursive: true });
  const file = join(folder, imageId);
  try {
    await pipeline(data, meter, createWriteStream(`${file}.part`));
    await rename(`${file}.part`, file);
  } finally {
    await rm(`${file}.part`, { force: true });
  }
  return { file, sums: meter.sums() };
}

/** The image was deleted while its data came in. */
async function answerGone(imageId: string, file: string | undefined, cloud: Cloud): Promise<Answer> {
  if (file !== undefined) await rm(file, { force: true });
  await cloud.deps.backend.deleteImage(imageId);
  throw new ApiFailure(
    410,
    `Image ${imageId} could not be found after upload. The image may have been deleted during the upload.`,
  );
}

function change(imageId: string, patch: Partial<ImageRecord>, cloud: Cloud): ImageRecord | undefined {
  return cloud.images.change(imageId, { ...patch, updatedAt: cloud.nowMs });
}

/** Lets data pass and measures it. */
class Meter extends Transform {
  readonly #md5 = createHash('md5');
  readonly #sha512 = createHash('sha512');
  #sizeBytes = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error: null, chunk: Buffer) => void): void {
    this.#sizeBytes += chunk.length;
    this.#md5.update(chunk);
    this.#sha512.update(chunk);
    done(null, chunk);
  }

  /** Once all has passed. */
  sums(): Sums {
    return { sizeBytes: this.#sizeBytes, checksum: this.#md5.digest('hex'), hashValue: this.#sha512.digest('hex') };
  }
}
