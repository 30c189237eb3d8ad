import { rm } from 'node:fs/promises';
import type { Cloud } from './cloud.ts';

/** Removes an image and its data, for good. A missing one is success. */
export async function removeImage(imageId: string, cloud: Cloud): Promise<void> {
  const image = cloud.images.find(imageId);
  if (image === undefined) return;
  cloud.images.remove(imageId);
  if (image.file !== undefined) await rm(image.file, { force: true });
  await cloud.deps.backend.deleteImage(imageId).catch((error: unknown) => {
    cloud.deps.log.warn('Cannot remove an image from the machines', { imageId, error });
  });
}

/** An image is lost without anybody having deleted it. */
export function vanishLater(imageId: string, ms: number, cloud: Cloud): void {
  void cloud.deps.clock
    .sleep(ms, cloud.deps.signal)
    .then(() => removeImage(imageId, cloud))
    .catch(() => undefined); // closing
}
