import { totalSize } from '../../allocation/provider-room.ts';
import type { LabelConfig, ProviderConfig } from '../../config/config.ts';
import type { SnapshotImage } from '../../image/snapshot-image.ts';
import type { Node } from '../../node/node.ts';
import type { Limits, ServerSize } from '../../provider/cloud-provider.ts';
import type { ProviderStatus, Suspension } from '../../provider/provider-status.ts';
import { defineCommand, UsageError } from '../command.ts';
import { formatAge } from '../format-age.ts';
import { renderTable } from '../render-table.ts';
import { tellOfFreeze } from '../tell-of-freeze.ts';

/** Upstream's two tables come first and stay as they were (nodepool 0.5: `info`). */
export const info = defineCommand({
  name: 'info',
  summary: "Show a provider's images and nodes, its quota, and why nothing is launched there",
  positionals: [{ name: 'provider', summary: 'which; also one that left the configuration' }],
  async run({ positionals }, context) {
    const provider = positionals['provider'] ?? '';
    const { nodes, images, providerStatus } = await context.stores();
    const [nodeRows, imageRows, status] = await Promise.all([
      nodes.list({ provider }),
      images.list({ provider }),
      providerStatus.find(provider),
    ]);
    const { providers, labels } = await context.config();
    const section = providers.find(({ name }) => name === provider);
    if (section === undefined && nodeRows.length + imageRows.length === 0 && status === undefined) {
      throw new UsageError(`Provider "${provider}" does not exist`);
    }
    await tellOfFreeze(context);
    const now = context.clock.now();
    return [
      'Image builds:',
      renderTable(['Image Name', 'Build IDs'], buildsByImage(imageRows)),
      'Nodes:',
      renderTable(
        ['ID', 'Server ID'],
        nodeRows.map(({ id, externalId }) => [String(id), externalId]),
      ),
      `Quota${seenAt(status, now)}:`,
      renderTable(['Resource', 'Used', 'Limit'], status?.limits === undefined ? [] : quotaRows(status.limits)),
      'Limits in nodepool.yaml:',
      renderTable(
        ['Resource', 'Used', 'Limit'],
        section === undefined ? [] : ownRows(section, useOf(nodeRows, labels, status?.sizes)),
      ),
      'Pauses:',
      renderTable(['What', 'For', 'Still', 'Failures', 'Reason'], status === undefined ? [] : pauseRows(status, now)),
    ].join('\n');
  },
});

function buildsByImage(images: readonly SnapshotImage[]): readonly (readonly string[])[] {
  const byName = new Map<string, number[]>();
  for (const { image, id } of images) byName.set(image, [...(byName.get(image) ?? []), id]);
  return [...byName].map(([name, ids]) => [name, ids.join(',')]);
}

/** Where the last reading failed, the table shows an older one. */
function seenAt(status: ProviderStatus | undefined, now: Date): string {
  if (status?.lastError !== undefined) return ` (cannot be read now: ${status.lastError})`;
  return status === undefined ? ' (no daemon has read it yet)' : ` (read ${formatAge(status.changedAt, now)} ago)`;
}

function quotaRows(limits: Limits): readonly (readonly string[])[] {
  return [
    limitRow('instances', limits.usedInstances, limits.maxInstances),
    limitRow('cores', limits.usedCores, limits.maxCores),
    limitRow('RAM (MiB)', limits.usedRamMib, limits.maxRamMib),
  ];
}

function limitRow(name: string, used: number | undefined, limit: number | undefined): readonly string[] {
  return [name, String(used ?? 'unknown'), String(limit ?? 'none')];
}

/** What our nodes take; undefined: no daemon has read the flavors, for nothing bounds what they are about. */
type Use = { readonly servers: number; readonly size: ServerSize | undefined };

function useOf(nodes: readonly Node[], labels: readonly LabelConfig[], sizes: ProviderStatus['sizes']): Use {
  const images = new Map(labels.map(({ name, image }) => [name, image]));
  const groups = nodes.map(({ label }) => ({ image: images.get(label), count: 1 }));
  const size = sizes === undefined ? undefined : totalSize(groups, new Map(Object.entries(sizes)));
  return { servers: nodes.length, size };
}

function ownRows(
  { maxServers, maxCores, maxRamMib }: ProviderConfig,
  { servers, size }: Use,
): readonly (readonly string[])[] {
  return [
    limitRow('servers', servers, maxServers),
    limitRow('cores', size?.cores, maxCores),
    limitRow('RAM (MiB)', size?.ramMib, maxRamMib),
  ];
}

/** What is over by now is left out: the daemon stores it only now and then. */
function pauseRows({ breakers, pauses }: ProviderStatus, now: Date): readonly (readonly string[])[] {
  const current = [...breakers, ...pauses].filter(({ until }) => until > now);
  return current.map(({ what, since, until, failures, reason }: Suspension) => [
    what === '' ? 'all launches' : what,
    formatAge(since, now),
    formatAge(now, until),
    String(failures),
    reason,
  ]);
}
