import type { ServerRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import type { Flavor } from './emulator-options.ts';

export type Usage = {
  readonly instances: number;
  readonly cores: number;
  readonly ram: number;
};

/** What a project uses: a server counts from the moment it is scheduled until it is gone, in ERROR too. */
export function usageOf(projectId: string, cloud: Cloud): Usage {
  return sumOf(cloud.liveServers(projectId).filter(({ isScheduled }) => isScheduled));
}

/** Why a flavor does not fit into what the project may use; undefined: it fits (Nova: check_num_instances_quota). */
export function findQuotaExcess(flavor: Flavor, projectId: string, cloud: Cloud): string | undefined {
  return describeExcess(flavor, { projectId, used: usageOf(projectId, cloud) }, cloud);
}

/**
 * Lets a server count, and looks at the quota again: others may have been accepted at the same time (Nova:
 * quota.recheck_quota). Gives why it does not fit.
 */
export function countServer(server: ServerRecord, cloud: Cloud): string | undefined {
  if (server.isScheduled) return undefined; // counted before a restart
  const { flavor, projectId } = server;
  const others = usageOf(projectId, cloud);
  cloud.servers.change(server.id, { isScheduled: true });
  const quota = cloud.quotaOf(projectId);
  // The losers count too, but Nova never says that more is used than there is.
  const used = {
    instances: Math.min(others.instances, atMost(quota.instances)),
    cores: Math.min(others.cores, atMost(quota.cores)),
    ram: Math.min(others.ram, atMost(quota.ramMib)),
  };
  return describeExcess(flavor, { projectId, used }, cloud);
}

function atMost(limit: number): number {
  return limit < 0 ? Infinity : limit;
}

function sumOf(servers: readonly ServerRecord[]): Usage {
  const usage = { instances: 0, cores: 0, ram: 0 };
  for (const { flavor } of servers) {
    usage.instances += 1;
    usage.cores += flavor.vcpus;
    usage.ram += flavor.ramMib;
  }
  return usage;
}

function describeExcess(
  flavor: Flavor,
  { projectId, used }: { readonly projectId: string; readonly used: Usage },
  cloud: Cloud,
): string | undefined {
  const quota = cloud.quotaOf(projectId);
  // In order of name: so Nova lists them.
  const resources = [
    { name: 'cores', wanted: flavor.vcpus, used: used.cores, most: quota.cores },
    { name: 'instances', wanted: 1, used: used.instances, most: quota.instances },
    { name: 'ram', wanted: flavor.ramMib, used: used.ram, most: quota.ramMib },
  ];
  const over = resources.filter((each) => each.most >= 0 && each.used + each.wanted > each.most);
  if (over.length === 0) return undefined;
  const list = (pick: (resource: (typeof over)[number]) => string | number): string => over.map(pick).join(', ');
  const names = list(({ name }) => name);
  const counts = `Requested ${list((each) => each.wanted)}, but already used ${list((each) => each.used)}`;
  return `Quota exceeded for ${names}: ${counts} of ${list(({ most }) => most)} ${names}`;
}
