import type { Agents } from '../node/agents.ts';
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import { awaitGone } from '../provider/await-server.ts';
import type { CloudProvider, Server } from '../provider/cloud-provider.ts';
import { parseOwner } from '../provider/owner-metadata.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';
import { guardDeletion } from './guard.ts';

/** Upstream waits 600 s for a server to go; the next pass asks again. */
const SERVER_GONE_MS = 600_000;

export type DeleteDeps = {
  readonly nodes: NodeStore;
  readonly cloud: CloudProvider;
  /** Absent where the target has no Jenkins. */
  readonly agents: Agents | undefined;
  readonly metrics: Pick<NodeMetrics, 'nodeDeleted'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly task: Task;
  readonly installationId: string;
  /** Name of the node's image, where its label is still configured. */
  readonly imageOf: (node: Node) => string | undefined;
};

/** `gone`: the row is removed. `busy`: a build runs on it. `waiting`: Jenkins has not let the agent go yet. */
export type Deletion = 'gone' | 'busy' | 'waiting';

/**
 * One step towards a node being gone. Looks at what is left instead of remembering what was done.
 * @throws {TransientProviderError} Jenkins or the cloud does not answer; try again later
 */
export async function deleteNode(node: Node, deps: DeleteDeps, signal: AbortSignal): Promise<Deletion> {
  const agent = await removeAgent(node, deps, signal);
  if (agent !== 'gone') return agent;
  await removeServers(node, deps, signal);
  await deps.nodes.remove(node, { who: 'deleter', why: 'Its agent and its server are gone' });
  deps.log.info(`Deleted node id: ${node.id}`);
  const ms = deps.clock.now().getTime() - node.stateChangedAt.getTime();
  deps.metrics.nodeDeleted(node, { image: deps.imageOf(node), ms });
  return 'gone';
}

/** First: Jenkins must not start a job on a dying machine. */
async function removeAgent(node: Node, deps: DeleteDeps, signal: AbortSignal): Promise<Deletion> {
  const { nodename } = node;
  if (deps.agents === undefined || nodename === undefined) return 'gone';
  deps.task.waitOn(`agent ${nodename} in jenkins of ${node.target}`);
  const verdict = await guardDeletion(nodename, deps.agents, signal);
  if (verdict === 'busy' && node.forced !== true) return 'busy';
  if (verdict === 'absent') return 'gone';
  if (!(await deps.agents.remove(nodename, signal))) return 'waiting';
  deps.log.info(`Deleted jenkins node id: ${node.id}`, { nodename });
  return 'gone';
}

async function removeServers(node: Node, deps: DeleteDeps, signal: AbortSignal): Promise<void> {
  if (node.externalId !== undefined) await removeServer(node.externalId, deps, signal);
  if (node.attempt === undefined) return; // no create call was ever sent
  // A create call whose answer was lost may have made a server that the row does not know. Looked for in a list that
  // began after our own server was gone.
  deps.task.waitOn(`other servers of node id: ${node.id}`);
  for (const server of await deps.cloud.nextServerList(signal)) {
    if (!isOurs(server, node, deps.installationId)) continue;
    deps.log.warn(`Deleting leaked instance ${server.name} (${server.id}) in ${node.provider} for node id: ${node.id}`);
    await removeServer(server.id, deps, signal);
  }
}

async function removeServer(id: string, deps: DeleteDeps, signal: AbortSignal): Promise<void> {
  deps.task.waitOn(`server ${id} to be gone`);
  await deps.cloud.deleteServer(id, signal);
  await awaitGone({ id, ms: SERVER_GONE_MS }, deps, signal);
}

function isOurs(server: Server, node: Node, installationId: string): boolean {
  const owner = parseOwner(server.metadata);
  return owner?.nodeId === node.id && owner.installation === installationId && server.status !== 'DELETED';
}
