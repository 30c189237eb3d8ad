import { ApiFailure } from './api-call.ts';
import type { Answer, Call, Route } from './api-call.ts';
import type { Cloud } from './cloud.ts';
import type { Quota } from './emulator-options.ts';
import { usageOf } from './project-usage.ts';

/** Zones, limits and quota sets. */
export function listQuotaRoutes(cloud: Cloud): Route[] {
  return [
    { method: 'GET', path: '/v2.1/os-availability-zone', handle: () => listZones(cloud) },
    {
      method: 'GET',
      path: '/v2.1/os-availability-zone/detail',
      handle: () => forbidByPolicy('os-availability-zone:detail'),
    },
    { method: 'GET', path: '/v2.1/os-hypervisors', handle: () => forbidByPolicy('os-hypervisors:list') },
    { method: 'GET', path: '/v2.1/limits', handle: (call) => showLimits(call, cloud) },
    { method: 'GET', path: '/v2.1/os-quota-sets/:project', handle: (call) => showQuota(call, cloud) },
    { method: 'GET', path: '/v2.1/os-quota-sets/:project/detail', handle: (call) => showQuotaDetail(call, cloud) },
    { method: 'GET', path: '/v2.1/os-quota-sets/:project/defaults', handle: (call) => showQuotaDefaults(call) },
    { method: 'PUT', path: '/v2.1/os-quota-sets/:project', handle: () => forbidByPolicy('os-quota-sets:update') },
  ];
}

/** @throws {ApiFailure} 403, in Nova's words for what is an administrator's */
export function forbidByPolicy(rule: string): never {
  throw new ApiFailure(403, `Policy doesn't allow os_compute_api:${rule} to be performed.`);
}

function listZones(cloud: Cloud): Answer {
  const zones = cloud.options.zones.map(({ name }) => ({
    zoneName: name,
    zoneState: { available: true },
    hosts: null,
  }));
  return { status: 200, body: { availabilityZoneInfo: zones } };
}

function showLimits(call: Call, cloud: Cloud): Answer {
  const { projectId } = call.caller;
  const quota = cloud.quotaOf(projectId);
  const usage = usageOf(projectId, cloud);
  const older = { maxImageMeta: 128, maxPersonality: 5, maxPersonalitySize: 10_240 };
  const network = { maxTotalFloatingIps: -1, maxSecurityGroups: -1, maxSecurityGroupRules: -1 };
  const networkUsed = { totalFloatingIpsUsed: 0, totalSecurityGroupsUsed: 0 };
  const absolute = {
    maxTotalInstances: quota.instances,
    maxTotalCores: quota.cores,
    maxTotalRAMSize: quota.ramMib,
    maxServerMeta: quota.metadataItems,
    ...(call.minor < 39 ? older : {}),
    maxTotalKeypairs: quota.keyPairs,
    maxServerGroups: 10,
    maxServerGroupMembers: 10,
    ...(call.minor < 36 ? network : {}),
    totalRAMUsed: usage.ram,
    totalCoresUsed: usage.cores,
    totalInstancesUsed: usage.instances,
    ...(call.minor < 36 ? networkUsed : {}),
    totalServerGroupsUsed: 0,
  };
  return { status: 200, body: { limits: { rate: [], absolute } } };
}

function quotaSet(quota: Quota): Record<string, number> {
  return {
    cores: quota.cores,
    fixed_ips: -1,
    floating_ips: -1,
    injected_file_content_bytes: 10_240,
    injected_file_path_bytes: 255,
    injected_files: 5,
    instances: quota.instances,
    key_pairs: quota.keyPairs,
    metadata_items: quota.metadataItems,
    ram: quota.ramMib,
    security_group_rules: -1,
    security_groups: -1,
    server_group_members: 10,
    server_groups: 10,
  };
}

function showQuota(call: Call, cloud: Cloud): Answer {
  const id = ownProject(call);
  return { status: 200, body: { quota_set: { id, ...quotaSet(cloud.quotaOf(id)) } } };
}

function showQuotaDetail(call: Call, cloud: Cloud): Answer {
  const id = ownProject(call);
  const used: Readonly<Record<string, number>> = usageOf(id, cloud);
  const detail: Record<string, unknown> = { id };
  for (const [key, limit] of Object.entries(quotaSet(cloud.quotaOf(id)))) {
    detail[key] = { limit, in_use: used[key] ?? 0, reserved: 0 };
  }
  return { status: 200, body: { quota_set: detail } };
}

function showQuotaDefaults(call: Call): Answer {
  const factory = { instances: 10, cores: 20, ramMib: 51_200, keyPairs: 100, metadataItems: 128 };
  const quota = { ...factory, floatingIps: -1, ports: -1, securityGroups: -1, imageBytes: -1 };
  return { status: 200, body: { quota_set: { id: ownProject(call), ...quotaSet(quota) } } };
}

function ownProject(call: Call): string {
  const project = call.params['project'] ?? '';
  if (project !== call.caller.projectId) forbidByPolicy('os-quota-sets:show');
  return project;
}
