import { ApiFailure } from './api-call.ts';
import type { FloatingIpRecord, NetworkRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { freeAddress } from './port-book.ts';

/** The first addresses of an external network are the gateway's and the router's. */
const FIRST_HOST = 4;

export type FloatingOrder = {
  readonly projectId: string;
  readonly network: NetworkRecord;
  readonly description: string;
};

/**
 * Takes an address from an external network.
 * @throws {ApiFailure} 409 OverQuota or IpAddressGenerationFailure
 */
export function allocateFloatingIp(order: FloatingOrder, cloud: Cloud): FloatingIpRecord {
  const { projectId, network, description } = order;
  const quota = cloud.quotaOf(projectId).floatingIps;
  const own = cloud.floatingIps.where((each) => each.projectId === projectId);
  if (quota >= 0 && own.length >= quota) {
    throw new ApiFailure(409, "Quota exceeded for resources: ['floatingip'].", 'OverQuota');
  }
  const taken = new Set(cloud.floatingIps.all().map(({ address }) => address));
  const now = cloud.nowMs;
  return cloud.floatingIps.put({
    id: cloud.deps.randomness.uuid(),
    projectId,
    networkId: network.id,
    address: freeAddress(network, FIRST_HOST, taken),
    description,
    portId: null,
    createdAt: now,
    updatedAt: now,
    revision: 0,
  });
}

/**
 * Binds an address to a port, or to nothing.
 * @throws {ApiFailure} 409: the port has one already; 404: there is no such port
 */
export async function bindFloatingIp(
  floating: FloatingIpRecord,
  portId: string | null,
  cloud: Cloud,
): Promise<FloatingIpRecord> {
  if (portId !== null) checkPort(portId, floating, cloud);
  if (floating.portId !== null) await cloud.deps.backend.detachAddress(floating.address);
  const port = portId === null ? undefined : cloud.ports.find(portId);
  if (port !== undefined && port.deviceId !== '') {
    await cloud.deps.backend.attachAddress({ serverId: port.deviceId, address: floating.address });
  }
  const change = { portId, updatedAt: cloud.nowMs, revision: floating.revision + 1 };
  return cloud.floatingIps.change(floating.id, change) ?? floating;
}

/** Gives an address back. */
export async function releaseFloatingIp(floating: FloatingIpRecord, cloud: Cloud): Promise<void> {
  if (floating.portId !== null) await cloud.deps.backend.detachAddress(floating.address);
  cloud.floatingIps.remove(floating.id);
}

/** Lets a server's `addresses` show what is bound to its ports now. */
export function refreshShownFloating(serverId: string, cloud: Cloud): void {
  const server = cloud.servers.find(serverId);
  if (server === undefined) return;
  const shownFloating = server.portIds.flatMap((portId) =>
    cloud.floatingIps.where((each) => each.portId === portId).map(({ address }) => ({ address, portId })),
  );
  if (JSON.stringify(shownFloating) !== JSON.stringify(server.shownFloating))
    cloud.servers.change(serverId, { shownFloating });
}

/** The same a while later, as Nova learns of Neutron's changes by a message. */
export function refreshShownFloatingLater(portIds: readonly (string | null)[], cloud: Cloud): void {
  const serverIds = new Set(portIds.map((id) => (id === null ? '' : (cloud.ports.find(id)?.deviceId ?? ''))));
  void cloud.deps.clock
    .sleep(cloud.timings.floatingMs, cloud.deps.signal)
    .then(() => {
      for (const id of serverIds) refreshShownFloating(id, cloud);
    })
    .catch(() => undefined); // closing: the next start refreshes all
}

function checkPort(portId: string, floating: FloatingIpRecord, cloud: Cloud): void {
  const port = cloud.ports.find(portId);
  if (port?.projectId !== floating.projectId) {
    throw new ApiFailure(404, `Port ${portId} could not be found.`, 'PortNotFound');
  }
  const other = cloud.floatingIps.where((each) => each.portId === portId && each.id !== floating.id)[0];
  if (other === undefined) return;
  const what = `floating IP ${floating.address} (${floating.id}) with port ${portId} using fixed IP ${port.address}`;
  const why = `as that fixed IP already has a floating IP on external network ${floating.networkId}.`;
  throw new ApiFailure(409, `Cannot associate ${what}, ${why}`, 'FloatingIPPortAlreadyAssociated');
}
