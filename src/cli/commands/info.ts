import type { SnapshotImage } from '../../image/snapshot-image.ts';
import type { Limits } from '../../provider/cloud-provider.ts';
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
    const { providers } = await context.config();
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

function seenAt(status: ProviderStatus | undefined, now: Date): string {
  return status === undefined ? ' (no daemon has read it yet)' : ` (read ${formatAge(status.changedAt, now)} ago)`;
}

function quotaRows(limits: Limits): readonly (readonly string[])[] {
  const row = (name: string, used: number, limit: number | undefined): readonly string[] => [
    ...[name, String(used)],
    limit === undefined ? 'none' : String(limit),
  ];
  return [
    row('instances', limits.usedInstances, limits.maxInstances),
    row('cores', limits.usedCores, limits.maxCores),
    row('RAM (MiB)', limits.usedRamMib, limits.maxRamMib),
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
