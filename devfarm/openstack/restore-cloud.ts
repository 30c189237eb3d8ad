import type { ServerRecord } from './cloud-records.ts';
import { ADMIN_PROJECT_ID } from './cloud.ts';
import type { Cloud } from './cloud.ts';
import { bury, deleteServer } from './delete-server.ts';
import { refreshShownFloating } from './floating-book.ts';
import { removeImage } from './image-book.ts';
import { failBrokenImports } from './import-tasks.ts';
import type { MachineStatus } from './machine-backend.ts';
import { beginBuild } from './server-routes.ts';
import type { ServerDeps } from './server-routes.ts';
import { stableUuid } from './stable-ids.ts';
import { resetBrokenUploads } from './upload-image.ts';

/** Puts in the public images that the options name, unless they are there. */
export function seedImages(cloud: Cloud): void {
  for (const seed of cloud.options.images) {
    const id = seed.id ?? stableUuid('image', seed.name);
    if (cloud.images.find(id) !== undefined) continue;
    const digits = id.replaceAll('-', '');
    cloud.images.put({
      id,
      name: seed.name,
      owner: ADMIN_PROJECT_ID,
      status: 'active',
      visibility: 'public',
      diskFormat: seed.diskFormat,
      containerFormat: 'bare',
      sizeBytes: seed.sizeBytes,
      checksum: digits,
      hashValue: digits.repeat(4),
      isProtected: false,
      minRam: 0,
      minDisk: 0,
      tags: [],
      createdAt: cloud.nowMs,
      updatedAt: cloud.nowMs,
      properties: seed.properties,
      ...(seed.machineRef === undefined ? {} : { machineRef: seed.machineRef }),
    });
  }
}

/**
 * Takes up work after a restart, also after `kill -9`: builds and deletes go on, snapshots that were cut off have failed,
 * and servers whose machine is lost go to ERROR.
 */
export async function resumeWork(deps: ServerDeps): Promise<void> {
  const { cloud } = deps;
  const servers = cloud.servers.where(({ isGone }) => !isGone);
  const statuses = await cloud.deps.backend.adopt(
    servers
      .filter(({ vmState }) => vmState !== 'deleted')
      .map((server) => ({ serverId: server.id, address: addressOf(server, cloud) })),
  );
  await dropBrokenSnapshots(cloud);
  resetBrokenUploads(cloud);
  failBrokenImports(cloud);
  for (const server of servers) {
    resume(server, statuses.get(server.id) ?? 'missing', deps);
    refreshShownFloating(server.id, cloud);
  }
  await reattachAddresses(cloud);
}

async function reattachAddresses(cloud: Cloud): Promise<void> {
  for (const { address, portId } of cloud.floatingIps.all()) {
    const serverId = portId === null ? undefined : cloud.ports.find(portId)?.deviceId;
    if (serverId !== undefined && serverId !== '') await cloud.deps.backend.attachAddress({ serverId, address });
  }
}

function resume(server: ServerRecord, machine: MachineStatus, deps: ServerDeps): void {
  const { cloud, tasks } = deps;
  const { id } = server;
  if (server.vmState === 'deleted') {
    bury(id, cloud);
  } else if (server.taskState === 'deleting') {
    tasks.begin(id, 'delete', (signal) => deleteServer(id, { cloud, effect: {} }, signal));
  } else if (server.vmState === 'building') {
    cloud.servers.drift(id, { taskState: 'scheduling', zone: server.requestedZone, host: '', hostId: '' });
    beginBuild(id, {}, deps);
  } else if (server.vmState !== 'error') {
    cloud.servers.change(id, { taskState: null, ...settledState(machine, cloud) });
  }
}

/** Nova believes the hypervisor. */
function settledState(machine: MachineStatus, cloud: Cloud): Partial<ServerRecord> {
  if (machine === 'running') return { vmState: 'active' };
  if (machine === 'stopped') return { vmState: 'stopped' };
  return { vmState: 'error', fault: { message: 'The machine is lost', createdAt: cloud.nowMs } };
}

async function dropBrokenSnapshots(cloud: Cloud): Promise<void> {
  const broken = cloud.images.where(
    ({ status, properties }) => status !== 'active' && properties['image_type'] === 'snapshot',
  );
  for (const { id } of broken) await removeImage(id, cloud);
}

function addressOf(server: ServerRecord, cloud: Cloud): string | undefined {
  const [portId] = server.portIds;
  return portId === undefined ? undefined : cloud.ports.find(portId)?.address;
}
