import { ApiFailure } from './api-call.ts';
import type { Call } from './api-call.ts';
import type { NetworkRecord, RequestedNetwork, ServerRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import type { Flavor } from './emulator-options.ts';
import type { JsonObject } from './json-value.ts';
import { textAt } from './json-value.ts';
import { findKeyPair } from './keypair-routes.ts';
import { portsOf } from './port-book.ts';
import { findQuotaExcess } from './project-usage.ts';
import { forbidByPolicy } from './quota-routes.ts';
import type { ServerRequest } from './server-request.ts';

/**
 * Checks a create against what the cloud has and what the project may use, and remembers the new server.
 * @throws {ApiFailure} 400 for what does not exist, 403 for quota and policy, 409 for networks that leave a choice
 */
export function admitServer(request: ServerRequest, call: Call, cloud: Cloud): ServerRecord {
  checkZone(request.zone, cloud);
  const flavor = findFlavor(request.flavorId, cloud);
  checkImage(request.imageId, flavor, { call, cloud });
  const publicKeys = publicKeysOf(request.keyName, call, cloud);
  const networks = findNetworks(request, call, cloud);
  checkSecurityGroups(request.securityGroups, call, cloud);
  checkMetadataCount(request.metadata, call, cloud);
  checkPortQuota(networks, call, cloud);
  checkQuota(flavor, call, cloud);
  const now = cloud.nowMs;
  return cloud.servers.put({
    id: cloud.deps.randomness.uuid(),
    name: request.name,
    description: request.description ?? (call.minor >= 19 ? null : request.name),
    projectId: call.caller.projectId,
    userId: call.caller.userId,
    createdAt: now,
    updatedAt: now,
    launchedAt: null,
    terminatedAt: null,
    vmState: 'building',
    taskState: 'scheduling',
    imageId: request.imageId,
    flavor,
    keyName: request.keyName ?? null,
    publicKeys,
    ...(request.userData === undefined ? {} : { userData: request.userData }),
    metadata: request.metadata,
    tags: request.tags,
    configDrive: request.configDrive,
    requestedZone: request.zone,
    zone: request.zone,
    host: '',
    hostId: '',
    networks,
    securityGroups: request.securityGroups.length > 0 ? request.securityGroups : ['default'],
    portIds: [],
    shownFloating: [],
    actions: [{ action: 'create', requestId: call.requestId, startedAt: now, message: null }],
    isScheduled: false,
    isGone: false,
  });
}

/** Whether one of the networks is external: Nova accepts that from a plain user, and then fails to build. */
export function usesExternalNetwork(server: ServerRecord, cloud: Cloud): boolean {
  const external = new Set(
    cloud.networks.filter(({ isExternal, isShared }) => isExternal && !isShared).map(({ id }) => id),
  );
  return server.networks.some((wanted) => 'networkId' in wanted && external.has(wanted.networkId));
}

/** @throws {ApiFailure} 403: more pairs than the quota allows */
export function checkMetadataCount(metadata: Readonly<Record<string, string>>, call: Call, cloud: Cloud): void {
  const most = cloud.quotaOf(call.caller.projectId).metadataItems;
  if (most >= 0 && Object.keys(metadata).length > most) {
    throw new ApiFailure(403, `Maximum number of metadata items exceeds ${most}`);
  }
}

function checkZone(zone: string, cloud: Cloud): void {
  if (zone.includes(':')) forbidByPolicy('servers:create:forced_host');
  if (zone !== '' && !cloud.options.zones.some(({ name }) => name === zone)) {
    throw new ApiFailure(400, 'The requested availability zone is not available');
  }
}

function findFlavor(id: string, cloud: Cloud): Flavor {
  const flavor = cloud.options.flavors.find((each) => each.id === id);
  if (flavor === undefined) throw new ApiFailure(400, `Flavor ${id} could not be found.`);
  return flavor;
}

function checkImage(id: string, flavor: Flavor, { call, cloud }: { readonly call: Call; readonly cloud: Cloud }): void {
  if (id === '') throw new ApiFailure(400, 'Invalid imageRef provided.');
  const image = cloud.findImage(id, call.caller.projectId);
  if (image === undefined) throw new ApiFailure(400, 'Can not find requested image');
  if (image.status !== 'active') throw new ApiFailure(400, `Image ${id} is not active.`);
  if (image.minRam > flavor.ramMib) throw new ApiFailure(400, "Flavor's memory is too small for requested image.");
  if (image.minDisk > flavor.diskGib && flavor.diskGib !== 0) {
    throw new ApiFailure(400, "Flavor's disk is too small for requested image.");
  }
}

function publicKeysOf(keyName: string | undefined, call: Call, cloud: Cloud): readonly string[] {
  if (keyName === undefined) return [];
  const pair = findKeyPair(keyName, call, cloud);
  if (pair === undefined) throw new ApiFailure(400, 'Invalid key_name provided.');
  // Kept with the server: the pair may be deleted while the server lives.
  return [pair.publicKey];
}

function findNetworks(request: ServerRequest, call: Call, cloud: Cloud): RequestedNetwork[] {
  const { networks } = request;
  if (networks === 'none') return [];
  if (networks !== undefined && networks !== 'auto' && networks[0] !== undefined) {
    return networks.map((wanted) => findNetwork(wanted, call, cloud));
  }
  const usable = cloud.networksOf(call.caller.projectId).filter(({ isExternal }) => !isExternal);
  if (usable.length > 1) {
    throw new ApiFailure(409, 'Multiple possible networks found, use a Network ID to be more specific.');
  }
  return usable.map((network: NetworkRecord) => ({ networkId: network.id }));
}

function findNetwork(wanted: JsonObject, call: Call, cloud: Cloud): RequestedNetwork {
  const portId = textAt(wanted, 'port');
  if (portId !== undefined) return { portId: findFreePort(portId, call, cloud) };
  const networkId = textAt(wanted, 'uuid') ?? '';
  if (!cloud.networksOf(call.caller.projectId).some(({ id }) => id === networkId)) {
    throw new ApiFailure(400, `Network ${networkId} could not be found.`);
  }
  return { networkId };
}

function findFreePort(portId: string, call: Call, cloud: Cloud): string {
  const port = cloud.ports.find(portId);
  if (port?.projectId !== call.caller.projectId) {
    throw new ApiFailure(400, `Port id ${portId} could not be found.`);
  }
  if (port.deviceId !== '') throw new ApiFailure(409, `Port ${portId} is still in use.`);
  return portId;
}

function checkSecurityGroups(names: readonly string[], call: Call, cloud: Cloud): void {
  const unknown = names.find((name) => cloud.findSecurityGroup(name, call.caller.projectId) === undefined);
  if (unknown !== undefined) throw new ApiFailure(400, `Unable to find security_group with name or id '${unknown}'`);
}

function checkPortQuota(networks: readonly RequestedNetwork[], call: Call, cloud: Cloud): void {
  const { projectId } = call.caller;
  const most = cloud.quotaOf(projectId).ports;
  const wanted = networks.filter((network) => 'networkId' in network).length;
  if (most < 0 || wanted === 0) return;
  // Ports of servers that are still being built do not count yet, as in Nova.
  const used = portsOf(projectId, cloud).length;
  if (used > most) throw new ApiFailure(403, `The number of defined ports: ${used} is over the limit: ${most}`);
  if (used + wanted > most) throw new ApiFailure(403, 'Maximum number of ports exceeded');
}

function checkQuota(flavor: Flavor, call: Call, cloud: Cloud): void {
  const excess = findQuotaExcess(flavor, call.caller.projectId, cloud);
  if (excess !== undefined) throw new ApiFailure(403, excess);
}
