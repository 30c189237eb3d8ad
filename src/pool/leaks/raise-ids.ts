import type { IdStore, IdSubject } from '../../node/id-store.ts';
import type { CloudImage, Server } from '../../provider/cloud-provider.ts';
import { parseOwner } from '../../provider/owner-metadata.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logger.ts';

/** Nodes that were made and deleted since the backup had greater ids still: Jenkins, Zuul and logs may name them. */
const MARGIN = 1_000;

/** The greatest ids that something living bears; 0: there is none. */
export type GreatestIds = Readonly<Record<IdSubject, number>>;

export type RaiseDeps = { readonly ids: IdStore; readonly log: Logger };

/** Of all that this installation made in a cloud, whatever its provider is called now. */
export function greatestIds(
  servers: readonly Server[],
  images: readonly CloudImage[],
  installationId: string,
): GreatestIds {
  const texts = [...servers.map(({ metadata }) => metadata), ...images.map(({ properties }) => properties)];
  const greatest = { node: 0, image: 0, 'dib-image': 0 };
  for (const text of texts) {
    if (text['nodepool_installation'] !== installationId) continue;
    const { nodeId = 0, imageId = idIn(text['nodepool_snapshot_image_id'] ?? text['nodepool_upload_id']) } =
      parseOwner(text) ?? {};
    greatest.node = Math.max(greatest.node, nodeId);
    greatest.image = Math.max(greatest.image, imageId);
    greatest['dib-image'] = Math.max(greatest['dib-image'], idIn(text['nodepool_build_id']));
  }
  return greatest;
}

function idIn(text = '0'): number {
  return Number.isSafeInteger(Number(text)) ? Number(text) : 0;
}

/**
 * Sees to it that no row gets an id that something living bears: a database that was restored from a backup counts from
 * where it stood. Two nodes of one id would have one name in Jenkins.
 */
export async function raiseIds(greatest: GreatestIds, { ids, log }: RaiseDeps): Promise<void> {
  for (const subject of ['node', 'image', 'dib-image'] as const) {
    if (greatest[subject] === 0) continue;
    try {
      const raised = await ids.raiseAbove(subject, greatest[subject], MARGIN);
      if (raised === undefined) continue;
      log.warn(
        `The database is older than the clouds, which hold something of ${subject} ${greatest[subject]}: ` +
          `ids go on above ${raised}. Was it restored from a backup?`,
      );
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      log.error(`The metadata of ${subject} ${greatest[subject]} in the clouds is wrong: ${describeError(error)}`);
    }
  }
}
