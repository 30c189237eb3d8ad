import type { NodeStore } from '../../node/node-store.ts';
import type { Server } from '../../provider/cloud-provider.ts';
import { isMadeForNode } from '../../provider/owner-metadata.ts';
import type { Logger } from '../../runtime/logger.ts';

export type DoubledDeps = {
  readonly nodes: Pick<NodeStore, 'list' | 'apply'>;
  readonly installationId: string;
  readonly log: Logger;
};

/**
 * Ends the launches that never asked for a server, and whose servers are in the cloud all the same: they were asked for
 * after the backup from which the database was restored. A second server of one id would get the first one's agent; the
 * first is a leak from now on.
 */
export async function endDoubledLaunches(
  provider: string,
  servers: readonly Server[],
  { nodes, installationId, log }: DoubledDeps,
): Promise<void> {
  for (const node of await nodes.list({ states: ['building'], provider })) {
    if (node.attempt !== undefined) continue; // it finds its server by that
    const mark = { installation: installationId, nodeId: node.id };
    const server = servers.find(({ metadata }) => isMadeForNode(metadata, mark));
    if (server === undefined) continue;
    const why = `Its server ${server.id} is there, and the row never asked for one: the database is a backup`;
    if ((await nodes.apply(node, 'launchFailed', { who: 'launcher', why })) === undefined) continue;
    log.warn(`Launch of node id: ${node.id} ends here: ${why}`);
  }
}
