import type { ProviderConfig } from '../../config/config.ts';
import type { ImageStore } from '../../image/image-store.ts';
import type { NodeStore } from '../../node/node-store.ts';
import type { HistoryStore } from '../../node/history-store.ts';
import type { CloudProvider, Port, Server } from '../../provider/cloud-provider.ts';
import { parseOwner } from '../../provider/owner-metadata.ts';
import { asError } from '../../runtime/errors.ts';
import { findLeakedPorts, type LeakedPort } from './find-leaked-ports.ts';
import { type GreatestIds, greatestIds } from './raise-ids.ts';
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
  readonly history: Pick<HistoryStore, 'wasRemoved'>;
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
  readonly ports: readonly LeakedPort[];
  /** Why the ports are not known; what else there is, is told all the same. */
  readonly portTrouble: Error | undefined;
  /** Of all that is ours there. */
  readonly greatest: GreatestIds;
  readonly rows: KnownRows;
};

/**
 * Looks for servers and images of ours that no row has, and for ports that servers of ours left. Lists the cloud first and
 * reads the tables after that: what is being made meanwhile has its row already.
 */
export async function inspectProvider(
  { name, nodepoolId }: Pick<ProviderConfig, 'name' | 'nodepoolId'>,
  deps: InspectDeps,
  signal: AbortSignal,
): Promise<Inspection> {
  const seenPorts = await listPorts(deps.cloud, signal);
  const [servers, images] = await Promise.all([deps.cloud.listServers(signal), deps.cloud.listImages(signal)]);
  const ownership = { provider: name, nodepoolId, installationId: deps.installationId };
  const [nodes, imageRows] = await Promise.all([
    readNodes(name, ownServers(servers, ownership), deps),
    deps.images.list(),
  ]);
  const rows = { nodes, images: new Map(imageRows.map((image) => [image.id, image])) };
  const isError = seenPorts instanceof Error;
  return {
    provider: name,
    rows,
    ports: isError ? [] : await findLeakedPorts({ ports: seenPorts, servers, rows }, deps.history),
    portTrouble: isError ? seenPorts : undefined,
    greatest: greatestIds(servers, images, deps.installationId),
    owned: ownServers(servers, ownership).length,
    servers: findLeakedServers(servers, rows, ownership),
    images: findLeakedImages(images, rows, ownership),
  };
}

/** A Neutron that fails must not keep us from looking at the servers. */
async function listPorts(cloud: CloudProvider, signal: AbortSignal): Promise<readonly Port[] | Error> {
  try {
    return await cloud.listPorts(signal);
  } catch (error) {
    signal.throwIfAborted();
    return asError(error);
  }
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
