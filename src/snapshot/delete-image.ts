import type { SnapshotImage } from '../image/snapshot-image.ts';
import { type RemovalDeps, removeBuildServer } from './remove-build-server.ts';
import { findSnapshotsOf } from './snapshot-owner.ts';
import { crashPoint } from '../runtime/crash-point.ts';

/** Takes an image in state `delete` out of the cloud, with its build server, and removes the row last. Safe to repeat. */
export async function deleteImage(row: SnapshotImage, deps: RemovalDeps, signal: AbortSignal): Promise<void> {
  await removeBuildServer(row, deps, signal);
  for (const id of await imagesOf(row, deps, signal)) {
    deps.task.waitOn(`image ${id} to be deleted`);
    crashPoint('image-deletion-sent');
    await deps.cloud.deleteImage(id, signal);
  }
  crashPoint('image-gone');
  await deps.images.remove(row, { who: 'image-deleter', why: 'Its image and its build server are gone' });
  crashPoint('image-removed');
  deps.log.info(`Deleted image id: ${row.id}`, { provider: row.provider, image: row.image });
}

/** Where the answer to the snapshot call was lost, the image bears our properties and the row has no id. */
async function imagesOf(row: SnapshotImage, deps: RemovalDeps, signal: AbortSignal): Promise<readonly string[]> {
  if (row.externalId !== undefined) return [row.externalId];
  if (row.step !== 'save') return [];
  return (await findSnapshotsOf(row, deps, signal)).map(({ id }) => id);
}
