import { ApiFailure } from './api-call.ts';
import type { Answer, Call, Route } from './api-call.ts';
import type { FloatingIpRecord, ImageRecord, SecurityGroupRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { readComputeBody } from './compute-body.ts';
import { cutPage, linksTo } from './compute-paging.ts';
import { allocateFloatingIp, releaseFloatingIp } from './floating-book.ts';
import { textAt } from './json-value.ts';
import { apiTime } from './openstack-times.ts';
import { getServer } from './server-routes.ts';
import { stableUuid } from './stable-ids.ts';

/** The last minor version that has the proxies. */
const LAST_MINOR = 35;

/** Nova's old proxies to Neutron and Glance: gone from 2.36 on. */
export function listComputeProxyRoutes(cloud: Cloud): Route[] {
  const old =
    (handle: (call: Call) => Answer | Promise<Answer>) =>
    (call: Call): Answer | Promise<Answer> => {
      if (call.minor > LAST_MINOR) throw new ApiFailure(404, 'The resource could not be found.');
      return handle(call);
    };
  const floating = '/v2.1/os-floating-ips';
  return [
    { method: 'GET', path: '/v2.1/os-networks', handle: old((call) => listNetworks(call, cloud)) },
    { method: 'GET', path: '/v2.1/os-tenant-networks', handle: old((call) => listTenantNetworks(call, cloud)) },
    { method: 'GET', path: '/v2.1/os-floating-ip-pools', handle: old((call) => listPools(call, cloud)) },
    { method: 'GET', path: '/v2.1/os-security-groups', handle: old((call) => listGroups(call, cloud)) },
    { method: 'GET', path: '/v2.1/servers/:id/os-security-groups', handle: (call) => listServerGroups(call, cloud) },
    { method: 'GET', path: '/v2.1/images', handle: old((call) => listImages(call, briefImage, cloud)) },
    { method: 'GET', path: '/v2.1/images/detail', handle: old((call) => listImages(call, fullImage, cloud)) },
    { method: 'GET', path: '/v2.1/images/:id', handle: old((call) => showImage(call, cloud)) },
    { method: 'GET', path: floating, handle: old((call) => listFloatingIps(call, cloud)) },
    { method: 'POST', path: floating, handle: old((call) => createFloatingIp(call, cloud)) },
    { method: 'GET', path: `${floating}/:id`, handle: old((call) => showFloatingIp(call, cloud)) },
    { method: 'DELETE', path: `${floating}/:id`, handle: old((call) => deleteFloatingIp(call, cloud)) },
  ];
}

function listNetworks(call: Call, cloud: Cloud): Answer {
  const keys = ['cidr', 'netmask', 'gateway', 'broadcast', 'dns1', 'dns2', 'cidr_v6', 'gateway_v6', 'netmask_v6'];
  const nothing = Object.fromEntries(keys.map((key) => [key, null]));
  const networks = cloud.networksOf(call.caller.projectId).map(({ id, name }) => ({ id, ...nothing, label: name }));
  return { status: 200, body: { networks } };
}

function listTenantNetworks(call: Call, cloud: Cloud): Answer {
  const networks = cloud.networksOf(call.caller.projectId).map(({ id, name }) => ({ id, cidr: 'None', label: name }));
  return { status: 200, body: { networks } };
}

function listPools(call: Call, cloud: Cloud): Answer {
  const external = cloud.networksOf(call.caller.projectId).filter(({ isExternal }) => isExternal);
  return { status: 200, body: { floating_ip_pools: external.map(({ name }) => ({ name })) } };
}

function listGroups(call: Call, cloud: Cloud): Answer {
  return { status: 200, body: { security_groups: cloud.securityGroupsOf(call.caller.projectId).map(groupView) } };
}

function listServerGroups(call: Call, cloud: Cloud): Answer {
  const server = getServer(call, cloud);
  const groups = server.securityGroups.map((name) => cloud.findSecurityGroup(name, server.projectId));
  return { status: 200, body: { security_groups: groups.filter((group) => group !== undefined).map(groupView) } };
}

function groupView(group: SecurityGroupRecord): unknown {
  const { id, name, description, projectId } = group;
  const rule = (version: string): unknown => ({
    id: stableUuid('rule', `${id} ${version}`),
    parent_group_id: id,
    ip_protocol: null,
    from_port: null,
    to_port: null,
    group: { name, tenant_id: projectId },
    ip_range: {},
  });
  // Only incoming rules are shown, and a new group has none.
  const rules = name === 'default' ? [rule('IPv4'), rule('IPv6')] : [];
  return { id, description, name, tenant_id: projectId, rules };
}

function listImages(call: Call, view: (image: ImageRecord, cloud: Cloud) => unknown, cloud: Cloud): Answer {
  const { projectId } = call.caller;
  const name = call.query.get('name');
  const seen = cloud.images.where(({ id }) => cloud.findImage(id, projectId) !== undefined);
  const wanted = seen.filter((image) => name === null || image.name === name).reverse();
  const page = cutPage(wanted, call, { origin: cloud.origins.compute, maxItems: cloud.options.maxLimit });
  const images = page.items.map((image) => view(image, cloud));
  return { status: 200, body: { images, ...(page.links.length > 0 ? { images_links: page.links } : {}) } };
}

function showImage(call: Call, cloud: Cloud): Answer {
  const image = cloud.findImage(call.params['id'] ?? '', call.caller.projectId);
  if (image === undefined) throw new ApiFailure(404, 'Image not found.');
  return { status: 200, body: { image: fullImage(image, cloud) } };
}

function briefImage(image: ImageRecord, cloud: Cloud): Record<string, unknown> {
  const href = `${cloud.origins.image}/images/${image.id}`;
  const alternate = { rel: 'alternate', type: 'application/vnd.openstack.image', href };
  return {
    id: image.id,
    name: image.name,
    links: [...linksTo(cloud.origins.compute, `images/${image.id}`), alternate],
  };
}

function fullImage(image: ImageRecord, cloud: Cloud): Record<string, unknown> {
  const status = { queued: 'SAVING', saving: 'SAVING', active: 'ACTIVE', killed: 'ERROR' }[image.status];
  return {
    ...briefImage(image, cloud),
    minRam: image.minRam,
    minDisk: image.minDisk,
    metadata: image.properties,
    created: apiTime(image.createdAt),
    updated: apiTime(image.updatedAt),
    status,
    progress: status === 'ACTIVE' ? 100 : 25,
    'OS-EXT-IMG-SIZE:size': image.sizeBytes ?? 0,
  };
}

function listFloatingIps(call: Call, cloud: Cloud): Answer {
  const own = cloud.floatingIps.where(({ projectId }) => projectId === call.caller.projectId);
  return { status: 200, body: { floating_ips: own.map((floating) => floatingView(floating, cloud)) } };
}

function showFloatingIp(call: Call, cloud: Cloud): Answer {
  return { status: 200, body: { floating_ip: floatingView(getFloatingIp(call, cloud), cloud) } };
}

function createFloatingIp(call: Call, cloud: Cloud): Answer {
  const pool = textAt(readComputeBody(call), 'pool');
  const { projectId } = call.caller;
  const external = cloud.networksOf(projectId).filter(({ isExternal }) => isExternal);
  const network = external.find(({ id, name }) => pool === undefined || id === pool || name === pool);
  if (network === undefined) throw new ApiFailure(404, 'Floating IP pool not found.');
  try {
    const floating = allocateFloatingIp({ projectId, network, description: '' }, cloud);
    return { status: 200, body: { floating_ip: floatingView(floating, cloud) } };
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    if (error.type === 'OverQuota') throw new ApiFailure(403, `IP allocation over quota in pool ${network.name}.`);
    throw new ApiFailure(404, `No more floating IPs in pool ${network.name}.`);
  }
}

async function deleteFloatingIp(call: Call, cloud: Cloud): Promise<Answer> {
  await releaseFloatingIp(getFloatingIp(call, cloud), cloud);
  return { status: 202, headers: { 'content-type': 'application/json' } };
}

function getFloatingIp(call: Call, cloud: Cloud): FloatingIpRecord {
  const id = call.params['id'] ?? '';
  const floating = cloud.floatingIps.find(id);
  if (floating?.projectId !== call.caller.projectId) {
    throw new ApiFailure(404, `Floating IP not found for ID ${id}`);
  }
  return floating;
}

function floatingView(floating: FloatingIpRecord, cloud: Cloud): unknown {
  const port = floating.portId === null ? undefined : cloud.ports.find(floating.portId);
  return {
    id: floating.id,
    ip: floating.address,
    pool: cloud.networks.find(({ id }) => id === floating.networkId)?.name,
    fixed_ip: port?.address ?? null,
    instance_id: port?.deviceId ?? null,
  };
}
