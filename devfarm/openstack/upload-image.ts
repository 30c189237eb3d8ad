import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { ApiFailure } from './api-call.ts';
import type { Answer, Call } from './api-call.ts';
import type { ImageRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { assertRoom, storeData } from './store-data.ts';

/**
 * `PUT /v2/images/{id}/file`: streams the data to disk, never whole in memory. An upload that breaks off leaves the
 * image `queued`, so that it may be tried again.
 * @throws {ApiFailure} 409, 410, 413
 */
export async function uploadImage(image: ImageRecord, call: Call, cloud: Cloud): Promise<Answer> {
  if (image.status !== 'queued') {
    throw new ApiFailure(409, `Image status transition from ${image.status} to saving is not allowed`);
  }
  if (image.diskFormat === null || image.containerFormat === null) {
    throw new ApiFailure(400, 'Properties disk_format, container_format must be set prior to saving data.');
  }
  const room = roomOf(image.owner, cloud);
  assertRoom(Number(call.headers['content-length'] ?? 0), room);
  change(image.id, { status: 'saving' }, cloud);
  try {
    const target = { folder: 'images', name: image.id, room };
    const { file, sums } = await storeData(target, call.upload ?? Readable.from([]), cloud);
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

/** How many bytes more the project's images may have. */
function roomOf(projectId: string, cloud: Cloud): number {
  const { imageBytes } = cloud.quotaOf(projectId);
  if (imageBytes < 0) return Infinity;
  const sizes = cloud.images.where(({ owner }) => owner === projectId).map(({ sizeBytes }) => sizeBytes ?? 0);
  return imageBytes - sizes.reduce((sum, size) => sum + size, 0);
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
