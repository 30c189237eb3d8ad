import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { CloudImage, CloudProvider } from '../provider/cloud-provider.ts';
import { isMadeByUpload } from '../provider/upload-owner.ts';

/** The images in the cloud that were made for this row. */
export async function findUploadsOf(
  { id }: Pick<SnapshotImage, 'id'>,
  deps: { readonly cloud: Pick<CloudProvider, 'listImages'>; readonly installationId: string },
  signal: AbortSignal,
): Promise<readonly CloudImage[]> {
  const mark = { installation: deps.installationId, uploadId: id };
  const images = await deps.cloud.listImages(signal);
  return images.filter(({ status, properties }) => status !== 'deleted' && isMadeByUpload(properties, mark));
}
