import type { Agents } from '../node/agents.ts';
import type { HistoryStore } from '../node/history-store.ts';
import type { NodeMetrics } from '../node/node-metrics.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import { awaitGone } from '../provider/await-server.ts';
import type { CloudProvider, Server } from '../provider/cloud-provider.ts';
import { floatingNote } from '../provider/floating-note.ts';
import { isMadeForNode } from '../provider/owner-metadata.ts';
import type { Clock } from '../runtime/clock.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Task } from '../runtime/task-board.ts';
import { guardDeletion } from './guard.ts';
import { crashPoint } from '../runtime/crash-point.ts';

/** Upstream waits 600 s for a server to go. Some clouds take a delete and forget it, so it is asked for again sooner. */
const SERVER_GONE_MS = 120_000;
/** Lists in a row in which no server may name the node: one list may miss a server by chance. */
const SWEEPS = 2;
/** The same for a node whose create call has no known outcome: its server may come late. */
const LATE_SWEEPS = 3;

export type DeleteDeps = {
  readonly nodes: NodeStore;
  readonly history: Pick<HistoryStore, 'note' | 'wasRemoved'>;
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
  crashPoint('strays-gone');
  await releaseAddress(node, deps, signal);
  if (!(await staysWithoutAgent(node, deps, signal))) return 'waiting';
  await deps.nodes.remove(node, { who: 'deleter', why: 'Its agent and its server are gone' });
  crashPoint('node-removed');
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
  crashPoint('agent-removal-sent');
  if (!(await deps.agents.remove(nodename, signal))) return 'waiting';
  crashPoint('agent-removed');
  deps.log.info(`Deleted jenkins node id: ${node.id}`, { nodename });
  return 'gone';
}

/** A registration whose answer was lost, or that was cut off, may have made the agent after the first look. */
async function staysWithoutAgent(node: Node, deps: DeleteDeps, signal: AbortSignal): Promise<boolean> {
  if (deps.agents === undefined || node.nodename === undefined || node.registeredAt !== undefined) return true;
  return (await deps.agents.find(node.nodename, signal)) === undefined;
}

async function removeServers(node: Node, deps: DeleteDeps, signal: AbortSignal): Promise<void> {
  if (node.externalId !== undefined) await removeServer(node.externalId, deps, signal);
  if (node.attempt === undefined) return; // no create call was ever sent
  // A create call whose answer was lost may have made a server that the row does not know. Looked for in lists that
  // began after our own server was gone.
  const sweeps = node.externalId === undefined ? LATE_SWEEPS : SWEEPS;
  for (let clean = 0; clean < sweeps;) clean = (await removeStrays(node, deps, signal)) ? clean + 1 : 0;
}

/** Deletes what servers one list shows to name the node; tells whether there was none. */
async function removeStrays(node: Node, deps: DeleteDeps, signal: AbortSignal): Promise<boolean> {
  deps.task.waitOn(`other servers of node id: ${node.id}`);
  const servers = await deps.cloud.nextServerList(signal);
  const strays = servers.filter((server) => isOurs(server, node, deps.installationId));
  for (const { name, id } of strays) {
    deps.log.warn(`Deleting leaked instance ${name} (${id}) in ${node.provider} for node id: ${node.id}`);
    await noteStray(node, id, deps);
    await removeServer(id, deps, signal);
  }
  return strays.length === 0;
}

/** No row ever had this server: if its port stays, this note alone proves that it was ours. */
async function noteStray({ id }: Node, serverId: string, { history }: DeleteDeps): Promise<void> {
  if (await history.wasRemoved(serverId)) return; // at an earlier try
  const why = `Server ${serverId} was made for this node, which never learned of it`;
  await history.note({ subject: 'node', subjectId: id, event: 'reaped', who: 'deleter', why, names: [serverId] });
}

async function removeServer(id: string, deps: DeleteDeps, signal: AbortSignal): Promise<void> {
  deps.task.waitOn(`server ${id} to be gone`);
  crashPoint('server-deletion-sent');
  await deps.cloud.deleteServer(id, signal);
  crashPoint('server-deletion-answered');
  await awaitGone({ id, ms: SERVER_GONE_MS }, deps, signal);
  crashPoint('server-gone');
}

/** A floating address outlives its server. Where a node was reached by its fixed address, there is none to look for. */
async function releaseAddress(node: Node, deps: DeleteDeps, signal: AbortSignal): Promise<void> {
  const { ip, privateIp } = node;
  const hadServer = node.attempt !== undefined || node.externalId !== undefined;
  if (!hadServer || (ip !== undefined && ip === privateIp)) return;
  deps.task.waitOn(`the floating address of node id: ${node.id}`);
  const note = floatingNote({ kind: 'node', id: node.id, installation: deps.installationId });
  await deps.cloud.releaseFloatingIps(definedOnly({ note, ip }), signal);
  crashPoint('address-released');
}

function isOurs(server: Server, node: Node, installationId: string): boolean {
  const owner = { installation: installationId, nodeId: node.id };
  return isMadeForNode(server.metadata, owner) && server.status !== 'DELETED';
}
