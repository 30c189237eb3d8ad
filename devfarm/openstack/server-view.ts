import type { ServerRecord, VmState } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { linksTo } from './compute-paging.ts';
import { apiTime, bareTime } from './openstack-times.ts';

const POWER: Readonly<Record<VmState, number>> = { building: 0, active: 1, stopped: 4, error: 0, deleted: 0 };
const STATUS: Readonly<Record<VmState, string>> = {
  building: 'BUILD',
  active: 'ACTIVE',
  stopped: 'SHUTOFF',
  error: 'ERROR',
  deleted: 'DELETED',
};

/** How a server is shown: to whom it may concern. */
export type ViewContext = {
  readonly cloud: Cloud;
  /** The x of microversion 2.x. */
  readonly minor: number;
};

/** Nova's `status`, which follows from the vm state and the task state. */
export function statusOf({ vmState, taskState }: ServerRecord): string {
  if (vmState === 'active' && taskState === 'rebooting_hard') return 'HARD_REBOOT';
  if (vmState === 'active' && taskState === 'rebooting') return 'REBOOT';
  return STATUS[vmState];
}

/** As `GET /servers` lists it. */
export function briefView(server: ServerRecord, { cloud }: ViewContext): Record<string, unknown> {
  const { id, name } = server;
  return { id, name, links: linksTo(cloud.origins.compute, `servers/${id}`) };
}

/** As `PUT /servers/{id}` answers: the core, without extensions. */
export function coreView(server: ServerRecord, context: ViewContext): Record<string, unknown> {
  const { cloud, minor } = context;
  const status = statusOf(server);
  const showsProgress = status === 'ACTIVE' || status === 'BUILD';
  return {
    ...briefView(server, context),
    status,
    tenant_id: server.projectId,
    user_id: server.userId,
    metadata: server.metadata,
    hostId: server.hostId,
    image: { id: server.imageId, links: linksTo(cloud.origins.compute, `images/${server.imageId}`).slice(1) },
    flavor: minor >= 47 ? embeddedFlavor(server) : referredFlavor(server, cloud),
    created: apiTime(server.createdAt),
    updated: apiTime(server.updatedAt),
    addresses: addressesOf(server, cloud),
    accessIPv4: '',
    accessIPv6: '',
    'OS-DCF:diskConfig': 'MANUAL',
    ...(showsProgress ? { progress: 0 } : {}),
    ...faultOf(server),
  };
}

/** As `GET /servers/{id}` and the detailed list show it. */
export function fullView(server: ServerRecord, context: ViewContext): Record<string, unknown> {
  const hasPorts = server.portIds.length > 0;
  return {
    ...coreView(server, context),
    addresses: extendedAddressesOf(server, context.cloud),
    'OS-EXT-AZ:availability_zone': server.zone,
    config_drive: server.configDrive ? 'True' : '',
    key_name: server.keyName,
    'OS-SRV-USG:launched_at': server.launchedAt === null ? null : bareTime(server.launchedAt),
    'OS-SRV-USG:terminated_at': server.terminatedAt === null ? null : bareTime(server.terminatedAt),
    ...(hasPorts ? { security_groups: server.securityGroups.map((name) => ({ name })) } : {}),
    'OS-EXT-STS:task_state': server.taskState,
    'OS-EXT-STS:vm_state': server.vmState,
    // After a failed delete the machine still runs.
    'OS-EXT-STS:power_state': server.vmState === 'error' && server.host !== '' ? 1 : POWER[server.vmState],
    'os-extended-volumes:volumes_attached': [],
    ...laterFields(server, context.minor),
  };
}

/** As `GET /servers/{id}/ips` shows them: addresses and their version only. */
export function addressesOf(server: ServerRecord, cloud: Cloud): Record<string, unknown[]> {
  return mapAddresses(server, cloud, ({ addr }) => ({ version: 4, addr }));
}

function extendedAddressesOf(server: ServerRecord, cloud: Cloud): Record<string, unknown[]> {
  return mapAddresses(server, cloud, ({ addr, type, mac }) => ({
    version: 4,
    addr,
    'OS-EXT-IPS:type': type,
    'OS-EXT-IPS-MAC:mac_addr': mac,
  }));
}

type Address = { readonly addr: string; readonly type: 'fixed' | 'floating'; readonly mac: string };

function mapAddresses(
  server: ServerRecord,
  cloud: Cloud,
  view: (address: Address) => unknown,
): Record<string, unknown[]> {
  const addresses: Record<string, unknown[]> = {};
  for (const portId of server.portIds) {
    const port = cloud.ports.find(portId);
    const network = cloud.networks.find(({ id }) => id === port?.networkId);
    if (port === undefined || network === undefined) continue;
    const floating = server.shownFloating.filter((shown) => shown.portId === portId);
    const { mac } = port;
    (addresses[network.name] ??= []).push(
      view({ addr: port.address, type: 'fixed', mac }),
      ...floating.map(({ address }) => view({ addr: address, type: 'floating', mac })),
    );
  }
  return addresses;
}

function referredFlavor({ flavor }: ServerRecord, cloud: Cloud): Record<string, unknown> {
  return { id: flavor.id, links: linksTo(cloud.origins.compute, `flavors/${flavor.id}`).slice(1) };
}

function embeddedFlavor({ flavor }: ServerRecord): Record<string, unknown> {
  const { vcpus, ramMib: ram, diskGib: disk, name } = flavor;
  return { vcpus, ram, disk, ephemeral: 0, swap: 0, original_name: name, extra_specs: {} };
}

function faultOf({ fault, vmState }: ServerRecord): Record<string, unknown> {
  if (fault === undefined || (vmState !== 'error' && vmState !== 'deleted')) return {};
  return { fault: { code: fault.code ?? 500, created: apiTime(fault.createdAt), message: fault.message } };
}

/** Fields that microversions added, in the order in which they did. */
function laterFields(server: ServerRecord, minor: number): Record<string, unknown> {
  const fields: readonly (readonly [number, string, unknown])[] = [
    [9, 'locked', false],
    [19, 'description', server.description],
    [26, 'tags', server.tags],
    [63, 'trusted_image_certificates', null],
    [71, 'server_groups', []],
    [73, 'locked_reason', null],
    [90, 'OS-EXT-SRV-ATTR:hostname', server.name],
  ];
  return Object.fromEntries(fields.filter(([since]) => minor >= since).map(([, key, value]) => [key, value]));
}
