import type { ProviderConfig } from '../../config/config.ts';
import type { ImageStore } from '../../image/image-store.ts';
import type { NodeStore } from '../../node/node-store.ts';
import type { CloudProvider, Server } from '../../provider/cloud-provider.ts';
import { parseOwner } from '../../provider/owner-metadata.ts';
import {
  findLeakedImages,
  findLeakedServers,
  type KnownRows,
  type LeakedImage,
  type LeakedServer,
  ownServers,
} from './find-leaks.ts';

export type InspectDeps = {
  readonly nodes: Pick<NodeStore, 'find' | 'list'>;
  readonly images: Pick<ImageStore, 'list'>;
  readonly cloud: CloudProvider;
  readonly installationId: string;
};

/** What a provider holds of ours. */
export type Inspection = {
  readonly provider: string;
  /** Servers of ours, leaked or not. */
  readonly owned: number;
  readonly servers: readonly LeakedServer[];
  readonly images: readonly LeakedImage[];
  readonly rows: KnownRows;
};

/**
 * Looks for servers and images of ours that no row has. Lists the cloud first and reads the tables after that: what is
 * being made meanwhile has its row already.
 */
export async function inspectProvider(
  { name, nodepoolId }: Pick<ProviderConfig, 'name' | 'nodepoolId'>,
  deps: InspectDeps,
  signal: AbortSignal,
): Promise<Inspection> {
  const [servers, images] = await Promise.all([deps.cloud.listServers(signal), deps.cloud.listImages(signal)]);
  const ownership = { provider: name, nodepoolId, installationId: deps.installationId };
  const [nodes, imageRows] = await Promise.all([
    readNodes(name, ownServers(servers, ownership), deps),
    deps.images.list(),
  ]);
  const rows = { nodes, images: new Map(imageRows.map((image) => [image.id, image])) };
  return {
    provider: name,
    rows,
    owned: ownServers(servers, ownership).length,
    servers: findLeakedServers(servers, rows, ownership),
    images: findLeakedImages(images, rows, ownership),
  };
}

/** The provider's nodes, and those of others that its servers name: all rows, for each of many providers, are too many. */
async function readNodes(
  provider: string,
  servers: readonly Server[],
  { nodes }: Pick<InspectDeps, 'nodes'>,
): Promise<KnownRows['nodes']> {
  const rows = new Map((await nodes.list({ provider })).map((node) => [node.id, node]));
  for (const { metadata } of servers) {
    const id = parseOwner(metadata)?.nodeId;
    const node = id === undefined || rows.has(id) ? undefined : await nodes.find(id);
    if (node !== undefined) rows.set(node.id, node);
  }
  return rows;
}
