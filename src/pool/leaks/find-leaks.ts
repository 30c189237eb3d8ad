import type { SnapshotImage } from '../../image/snapshot-image.ts';
import type { Node } from '../../node/node.ts';
import type { CloudImage, Server } from '../../provider/cloud-provider.ts';
import { type FoundOwner, parseOwner } from '../../provider/owner-metadata.ts';

/** Whose objects count as ours. */
export type Ownership = {
  readonly provider: string;
  readonly installationId: string;
  /** The provider's `nodepool-id`: claims servers that bear it and no installation at all (upstream's). */
  readonly nodepoolId: string | undefined;
};

/** The tables, read after the cloud's list: a row is there before its server. */
export type KnownRows = {
  readonly nodes: ReadonlyMap<number, Node>;
  readonly images: ReadonlyMap<number, SnapshotImage>;
};

/** A server of ours that belongs to no row. */
export type LeakedServer = {
  readonly server: Server;
  readonly owner: FoundOwner;
  /** For the operator: why nobody owns it. */
  readonly why: string;
};

/** An image of ours that belongs to no row. */
export type LeakedImage = { readonly image: CloudImage; readonly imageId: number };

/** Whether we, and not another Nodepool in the same project, made the object. */
export function isOurs(owner: FoundOwner, ownership: Ownership): boolean {
  if (owner.provider !== ownership.provider) return false;
  if (owner.installation !== undefined) return owner.installation === ownership.installationId;
  return owner.nodepoolId !== undefined && owner.nodepoolId === ownership.nodepoolId;
}

/** The servers of ours in a list. One that is on its way out does not count. */
export function ownServers(servers: readonly Server[], ownership: Ownership): readonly Server[] {
  return servers.filter((server) => {
    const owner = parseOwner(server.metadata);
    return owner !== undefined && server.status !== 'DELETED' && isOurs(owner, ownership);
  });
}

/** The servers of ours that no row has. Never one whose row may still learn of it: a create call is in flight there. */
export function findLeakedServers(
  servers: readonly Server[],
  rows: KnownRows,
  ownership: Ownership,
): readonly LeakedServer[] {
  return ownServers(servers, ownership).flatMap((server) => {
    const owner = parseOwner(server.metadata);
    const why = owner && whyLeaked(server, owner, rows);
    return owner !== undefined && why !== undefined ? [{ server, owner, why }] : [];
  });
}

function whyLeaked(server: Server, owner: FoundOwner, { nodes, images }: KnownRows): string | undefined {
  if (owner.nodeId !== undefined) return whyNodeLeaked(server, owner, nodes.get(owner.nodeId));
  return whyBuildLeaked(server, owner.imageId, images);
}

function whyNodeLeaked({ id }: Server, { nodeId, provider }: FoundOwner, node: Node | undefined): string | undefined {
  if (node === undefined) return `There is no node ${nodeId ?? ''}`;
  if (node.provider !== provider) return `Node ${node.id} is in provider ${node.provider}`;
  if (node.externalId === id) return undefined;
  // While it launches, the row may not know its server yet; while it is deleted, that looks for strays itself.
  if (node.state === 'building' || node.state === 'delete') return undefined;
  return `Node ${node.id} has another server`;
}

function whyBuildLeaked({ id }: Server, imageId: number | undefined, images: KnownRows['images']): string | undefined {
  const image = imageId === undefined ? undefined : images.get(imageId);
  if (image === undefined) return `There is no image ${imageId ?? ''}`;
  if (image.serverExternalId === id || image.state === 'building' || image.state === 'delete') return undefined;
  return `Image ${image.id} is built`;
}

/** The images of ours that no row has. */
export function findLeakedImages(
  images: readonly CloudImage[],
  rows: KnownRows,
  ownership: Ownership,
): readonly LeakedImage[] {
  return images.flatMap((image) => {
    const imageId = ownImageId(image, ownership);
    if (imageId === undefined || image.status === 'deleted') return [];
    const row = rows.images.get(imageId);
    const isKnown = row !== undefined && (row.externalId === image.id || row.state !== 'ready');
    return isKnown ? [] : [{ image, imageId }];
  });
}

/** The id of the row that the image was saved or uploaded for; undefined: it bears no mark of this installation. */
function ownImageId({ properties }: CloudImage, ownership: Ownership): number | undefined {
  if (properties['nodepool_installation'] !== ownership.installationId) return undefined;
  if (properties['nodepool_provider_name'] !== ownership.provider) return undefined;
  const id = Number(properties['nodepool_snapshot_image_id'] ?? properties['nodepool_upload_id']);
  return Number.isSafeInteger(id) && id > 0 ? id : undefined;
}
