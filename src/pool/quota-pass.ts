import type { ProviderConfig } from '../config/config.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import { parseOwner } from '../provider/owner-metadata.ts';
import type { ProviderStatusStore } from '../provider/provider-status.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { PartedPass } from '../runtime/parted-pass.ts';
import type { Farm } from './farm.ts';
import type { LaunchBreakers } from './launch-breakers.ts';
import { isOurs } from './leaks/find-leaks.ts';
import { describeStatus } from './provider-health.ts';
import type { QuotaBook } from './quota-book.ts';

export type QuotaPassDeps = {
  readonly farm: () => Farm;
  readonly eachProvider: PartedPass;
  readonly quotas: QuotaBook;
  readonly breakers: LaunchBreakers;
  readonly providerStatus: Pick<ProviderStatusStore, 'save'>;
  readonly installationId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when a quota leaves another number of nodes than before. */
  readonly onRoomChanged: () => void;
};

/** Reads each provider's quota, and stores what is known of its health for the command line. */
export async function runQuotaPass(deps: QuotaPassDeps, signal: AbortSignal): Promise<void> {
  const farm = deps.farm();
  const parts = farm.config.providers.map((provider) => ({
    name: provider.name,
    pass: async (inner: AbortSignal): Promise<void> => {
      const cloud = farm.cloudOf(provider.name);
      try {
        if (cloud !== undefined) await readQuota(provider, { cloud, ...deps }, inner);
      } finally {
        await deps.providerStatus.save(describeStatus(provider, deps));
      }
    },
  }));
  await deps.eachProvider.run(parts, signal);
}

async function readQuota(
  provider: ProviderConfig,
  deps: QuotaPassDeps & { readonly cloud: CloudProvider },
  signal: AbortSignal,
): Promise<void> {
  const { cloud, quotas, installationId } = deps;
  const { name, nodepoolId } = provider;
  const [limits, servers] = await Promise.all([cloud.readLimits(signal), cloud.listServers(signal)]);
  const ownership = { provider: name, installationId, nodepoolId };
  const others = servers.filter(({ metadata, status }) => {
    const owner = parseOwner(metadata);
    const isNode = owner?.nodeId !== undefined && isOurs(owner, ownership);
    return !isNode && status !== 'DELETED';
  });
  const before = quotas.mostNodes(name);
  quotas.note(name, { limits, others: others.length });
  const most = quotas.mostNodes(name);
  if (most === before) return;
  if (most !== undefined && most < provider.maxServers) {
    const parts = `${limits.maxInstances ?? 0} instances, of which ${others.length} are others'`;
    deps.log.info(`The quota of ${name} leaves ${most} of its ${provider.maxServers} servers: ${parts}`);
  }
  deps.onRoomChanged();
}
