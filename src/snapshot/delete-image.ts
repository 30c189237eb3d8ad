import type { SnapshotImage } from '../image/snapshot-image.ts';
import { type RemovalDeps, removeBuildServer } from './remove-build-server.ts';

/** Takes an image in state `delete` out of the cloud, with its build server, and removes the row last. Safe to repeat. */
export async function deleteImage(row: SnapshotImage, deps: RemovalDeps, signal: AbortSignal): Promise<void> {
  await removeBuildServer(row, deps, signal);
  if (row.externalId !== undefined) {
    deps.task.waitOn(`image ${row.externalId} to be deleted`);
    await deps.cloud.deleteImage(row.externalId, signal);
  }
  await deps.images.remove(row, { who: 'image-deleter', why: 'Its image and its build server are gone' });
  deps.log.info(`Deleted image id: ${row.id}`, { provider: row.provider, image: row.image });
}
