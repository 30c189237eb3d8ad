import type { ImageStore } from '../image/image-store.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import { crashPoint } from '../runtime/crash-point.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';
import { findUploadsOf } from './find-uploads.ts';

export type DeleteUploadDeps = {
  readonly images: ImageStore;
  readonly cloud: CloudProvider;
  readonly log: Logger;
  readonly task: Task;
  readonly installationId: string;
};

/** Takes an upload in state `delete` out of the cloud and removes the row last. Safe to repeat. */
export async function deleteUpload(row: SnapshotImage, deps: DeleteUploadDeps, signal: AbortSignal): Promise<void> {
  for (const id of await imagesOf(row, deps, signal)) {
    deps.task.waitOn(`image ${id} to be deleted`);
    crashPoint('upload-deletion-sent');
    await deps.cloud.deleteImage(id, signal);
  }
  crashPoint('upload-gone');
  await deps.images.remove(row, { who: 'image-deleter', why: 'Its image is gone' });
  crashPoint('upload-removed');
  deps.log.info(`Deleted image id: ${row.id}`, { provider: row.provider, image: row.image });
}

/** Of an upload that failed or was interrupted, only its properties tell. One without name was never begun. */
async function imagesOf(row: SnapshotImage, deps: DeleteUploadDeps, signal: AbortSignal): Promise<readonly string[]> {
  if (row.externalId !== undefined) return [row.externalId];
  if (row.hostname === undefined) return [];
  deps.task.waitOn('a list of images, to look for what the upload left');
  return (await findUploadsOf(row, deps, signal)).map(({ id }) => id);
}
