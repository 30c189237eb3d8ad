import { ApiFailure } from './api-call.ts';
import type { NetworkRecord, PortRecord, ServerRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';

/** Offset of the first address that is handed out, below it are the gateway and room for people. */
const FIRST_HOST = 257;

/** Which machine a port is for. */
export type Plug = {
  readonly server: ServerRecord;
  /** The machine's address. */
  readonly address: string;
};

/** A port that Nova makes for a server. */
export function makeServerPort({ server, address }: Plug, network: NetworkRecord, cloud: Cloud): PortRecord {
  const port = { ...blankPort(cloud), ...ownedBy(server), networkId: network.id, address, isNovas: true };
  return putPort(port, server, cloud);
}

/** Gives a port that a user made to a server; from now on it has the machine's address. */
export function claimPort({ server, address }: Plug, port: PortRecord, cloud: Cloud): PortRecord {
  const change = {
    ...ownedBy(server),
    address,
    ownAddress: port.address,
    updatedAt: cloud.nowMs,
    revision: port.revision + 3,
  };
  return cloud.ports.change(port.id, change) ?? port;
}

/**
 * A port that belongs to nothing yet.
 * @throws {ApiFailure} 409 OverQuota
 */
export function makeFreePort(
  port: { readonly name: string; readonly projectId: string; readonly network: NetworkRecord },
  cloud: Cloud,
): PortRecord {
  const { name, projectId, network } = port;
  const quota = cloud.quotaOf(projectId).ports;
  if (quota >= 0 && portsOf(projectId, cloud).length >= quota) {
    throw new ApiFailure(409, "Quota exceeded for resources: ['port'].", 'OverQuota');
  }
  const group = cloud.findSecurityGroup('default', projectId);
  return cloud.ports.put({
    ...blankPort(cloud),
    name,
    projectId,
    networkId: network.id,
    address: freeAddress(network, FIRST_HOST, takenIn(network, cloud)),
    securityGroupIds: group === undefined ? [] : [group.id],
  });
}

/** The server is gone: its own ports go with it, others are free again, floating addresses are bound to nothing. */
export function releasePorts(server: ServerRecord, cloud: Cloud): void {
  for (const port of cloud.ports.where(({ deviceId, isLeft }) => deviceId === server.id && isLeft !== true)) {
    for (const floating of cloud.floatingIps.where(({ portId }) => portId === port.id)) {
      const change = { portId: null, updatedAt: cloud.nowMs, revision: floating.revision + 1 };
      cloud.floatingIps.change(floating.id, change);
      void cloud.deps.backend.detachAddress(floating.address).catch((error: unknown) => {
        cloud.deps.log.warn('Cannot detach an address', { address: floating.address, error });
      });
    }
    if (port.isNovas) cloud.ports.remove(port.id);
    else freePort(port, cloud);
  }
}

/** The server goes, and its own ports stay: from now on nobody looks after them. */
export function leavePorts(serverId: string, cloud: Cloud): void {
  for (const port of cloud.ports.where(({ deviceId, isNovas }) => deviceId === serverId && isNovas)) {
    cloud.ports.change(port.id, { isLeft: true, updatedAt: cloud.nowMs, revision: port.revision + 1 });
  }
}

function freePort(port: PortRecord, cloud: Cloud): void {
  const unbound = { deviceId: '', deviceOwner: '', address: port.ownAddress ?? port.address };
  cloud.ports.change(port.id, { ...unbound, updatedAt: cloud.nowMs, revision: port.revision + 1 });
}

/** All ports of a project, the router's among them: they count for the quota. */
export function portsOf(projectId: string, cloud: Cloud): PortRecord[] {
  return [...routerPortsOf(projectId, cloud), ...cloud.ports.where((port) => port.projectId === projectId)];
}

/** The lowest free address of a network from `firstHost` on. */
export function freeAddress(network: NetworkRecord, firstHost: number, taken: ReadonlySet<string>): string {
  const [base = '0.0.0.0', prefix = '24'] = network.cidr.split('/');
  const start = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(prefix));
  for (let host = Math.min(firstHost, size - 1); host < size - 1; host += 1) {
    const address = [24, 16, 8, 0].map((shift) => Math.floor((start + host) / 2 ** shift) % 256).join('.');
    if (!taken.has(address)) return address;
  }
  throw new ApiFailure(409, `No more IP addresses available on network ${network.id}.`, 'IpAddressGenerationFailure');
}

/** Each tenant network has a router, and its interface is a port. */
function routerPortsOf(projectId: string, cloud: Cloud): PortRecord[] {
  const own = cloud.networks.filter((network) => network.projectId === projectId && !network.isExternal);
  return own.map((network) => ({
    ...blankPort(cloud),
    id: network.subnetId.replace(/^.{8}/, '00000000'),
    projectId,
    networkId: network.id,
    mac: 'fa:16:3e:00:00:01',
    address: freeAddress(network, 1, new Set()),
    deviceId: routerIdOf(network),
    deviceOwner: 'network:router_interface',
    createdAt: network.createdAt,
    updatedAt: network.createdAt,
    revision: 2,
  }));
}

/** Id of the router of a tenant network. */
export function routerIdOf(network: NetworkRecord): string {
  return network.id.replace(/^./, 'e');
}

function takenIn(network: NetworkRecord, cloud: Cloud): ReadonlySet<string> {
  return new Set(cloud.ports.where(({ networkId }) => networkId === network.id).map(({ address }) => address));
}

function putPort(port: PortRecord, server: ServerRecord, cloud: Cloud): PortRecord {
  const groups = server.securityGroups.map((name) => cloud.findSecurityGroup(name, server.projectId)?.id);
  return cloud.ports.put({ ...port, securityGroupIds: groups.filter((id) => id !== undefined), revision: 3 });
}

function ownedBy(server: ServerRecord): Pick<PortRecord, 'projectId' | 'deviceId' | 'deviceOwner'> {
  return { projectId: server.projectId, deviceId: server.id, deviceOwner: `compute:${server.zone}` };
}

function blankPort(cloud: Cloud): PortRecord {
  const digits = cloud.deps.randomness.hex(3);
  const now = cloud.nowMs;
  return {
    id: cloud.deps.randomness.uuid(),
    name: '',
    projectId: '',
    networkId: '',
    mac: `fa:16:3e:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4, 6)}`,
    address: '',
    deviceId: '',
    deviceOwner: '',
    securityGroupIds: [],
    isNovas: false,
    createdAt: now,
    updatedAt: now,
    revision: 1,
  };
}
