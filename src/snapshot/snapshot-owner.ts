import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { CloudImage, CloudProvider } from '../provider/cloud-provider.ts';

/** Properties that say whose an image is: written by the createImage call itself, so that one whose answer was lost is found. */
export function snapshotProperties(row: SnapshotImage, installation: string): Readonly<Record<string, string>> {
  return {
    nodepool_provider_name: row.provider,
    nodepool_snapshot_image_id: String(row.id),
    nodepool_installation: installation,
  };
}

/** The images in the cloud that were saved for this row. */
export async function findSnapshotsOf(
  row: SnapshotImage,
  deps: { readonly cloud: CloudProvider; readonly installationId: string },
  signal: AbortSignal,
): Promise<readonly CloudImage[]> {
  const wanted = Object.entries(snapshotProperties(row, deps.installationId));
  const images = await deps.cloud.listImages(signal);
  return images.filter(
    ({ status, properties }) => status !== 'deleted' && wanted.every(([key, value]) => properties[key] === value),
  );
}
