import { ApiFailure } from './api-call.ts';
import { asError, isAbort } from '../../src/runtime/errors.ts';
import type { ServerRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import type { FaultEffect } from './fault-rule.ts';
import { leavePorts, releasePorts } from './port-book.ts';
import type { ServerTasks } from './server-tasks.ts';

/** Gone servers that are remembered for `changes-since`. */
const KEPT_TOMBSTONES = 1000;

export type DeleteDeps = {
  readonly cloud: Cloud;
  readonly tasks: ServerTasks;
  readonly effect: FaultEffect;
};

/**
 * Begins to delete a server; asked again meanwhile it does nothing more. A server without a host is gone at once.
 * @throws {ApiFailure} 404: it is deleted already
 */
export function requestDelete(server: ServerRecord, deps: DeleteDeps): void {
  const { cloud, tasks, effect } = deps;
  if (server.vmState === 'deleted') throw new ApiFailure(404, `Instance ${server.id} could not be found.`);
  if (server.host === '') {
    bury(server.id, cloud);
    // Ends the build, if there is one, and removes what it may have started.
    tasks.begin(server.id, 'delete', () => cloud.deps.backend.delete(server.id));
    return;
  }
  cloud.servers.change(server.id, { taskState: 'deleting', updatedAt: cloud.nowMs });
  if (effect.deleteNever === true || tasks.nameOf(server.id) === 'delete') return;
  tasks.begin(server.id, 'delete', (signal) => deleteServer(server.id, { cloud, effect }, signal));
}

/** Takes a server from `deleting` to gone, or to ERROR. */
export async function deleteServer(
  serverId: string,
  deps: { readonly cloud: Cloud; readonly effect: FaultEffect },
  signal: AbortSignal,
): Promise<void> {
  const { cloud, effect } = deps;
  const { clock, backend } = cloud.deps;
  await clock.sleep(effect.deleteMs ?? cloud.timings.deleteMs, signal);
  try {
    if (effect.deleteFails !== undefined) throw new Error(effect.deleteFails);
    await backend.delete(serverId);
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    failDelete(serverId, asError(error).message, cloud);
    return;
  }
  const server = cloud.servers.find(serverId);
  if (server === undefined) return;
  if (effect.portsStay === true) leavePorts(serverId, cloud);
  releasePorts(server, cloud);
  const now = cloud.nowMs;
  const end = {
    vmState: 'deleted',
    taskState: null,
    terminatedAt: now,
    updatedAt: now,
    portIds: [],
    shownFloating: [],
  } as const;
  cloud.servers.change(serverId, end);
  // For a moment Nova may still show it, as DELETED.
  if (cloud.timings.deletedVisibleMs > 0) await clock.sleep(cloud.timings.deletedVisibleMs, signal);
  bury(serverId, cloud);
}

/** From now on the server cannot be found. */
export function bury(serverId: string, cloud: Cloud): void {
  const server = cloud.servers.find(serverId);
  if (server === undefined) return;
  releasePorts(server, cloud);
  const terminatedAt = server.terminatedAt ?? cloud.nowMs;
  cloud.servers.change(serverId, { vmState: 'deleted', taskState: null, terminatedAt, portIds: [], isGone: true });
  dropOldTombstones(cloud);
}

function failDelete(serverId: string, message: string, cloud: Cloud): void {
  const server = cloud.servers.find(serverId);
  if (server === undefined) return;
  // The network part went first and is gone already, as in Nova.
  releasePorts(server, cloud);
  const now = cloud.nowMs;
  const fault = { message, createdAt: now };
  cloud.servers.change(serverId, {
    vmState: 'error',
    taskState: null,
    updatedAt: now,
    portIds: [],
    shownFloating: [],
    fault,
  });
}

function dropOldTombstones(cloud: Cloud): void {
  if (cloud.servers.size < KEPT_TOMBSTONES) return;
  const gone = cloud.servers.where(({ isGone }) => isGone);
  for (const { id } of gone.slice(0, Math.max(0, gone.length - KEPT_TOMBSTONES))) cloud.servers.remove(id);
}
