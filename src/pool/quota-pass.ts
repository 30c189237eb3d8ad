import { totalSize } from '../allocation/provider-room.ts';
import type { ProviderConfig } from '../config/config.ts';
import type { CloudProvider, Limits, Server, ServerSize } from '../provider/cloud-provider.ts';
import { RequestRefusedError } from '../provider/errors.ts';
import { parseOwner } from '../provider/owner-metadata.ts';
import type { ProviderStatusStore } from '../provider/provider-status.ts';
import type { Clock } from '../runtime/clock.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { PartedPass } from '../runtime/parted-pass.ts';
import type { Farm } from './farm.ts';
import type { LaunchBreakers } from './launch-breakers.ts';
import { isOurs, type Ownership } from './leaks/find-leaks.ts';
import { describeStatus } from './provider-health.ts';
import type { Quota, QuotaBook } from './quota-book.ts';
import { saveStatus } from './save-status.ts';

export type QuotaPassDeps = {
  readonly farm: () => Farm;
  readonly eachProvider: PartedPass;
  readonly quotas: QuotaBook;
  readonly breakers: LaunchBreakers;
  readonly providerStatus: Pick<ProviderStatusStore, 'find' | 'save' | 'touch'>;
  readonly installationId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when a quota leaves other room than before. */
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
      } catch (error) {
        if (!inner.aborted) deps.quotas.noteTrouble(provider.name, describeError(error));
        throw error;
      } finally {
        await saveStatus(describeStatus(provider, deps), deps);
      }
    },
  }));
  await deps.eachProvider.run(parts, signal);
}

type ReadDeps = QuotaPassDeps & { readonly cloud: CloudProvider };

async function readQuota(provider: ProviderConfig, deps: ReadDeps, signal: AbortSignal): Promise<void> {
  const { cloud, quotas, installationId } = deps;
  const { name, nodepoolId } = provider;
  const [limits, servers] = await Promise.all([cloud.readLimits(signal), cloud.listServers(signal)]);
  const sizes = isSizeBounded(provider, limits) ? await readSizes(provider, cloud, signal) : undefined;
  const before = roomText(name, quotas);
  const mostBefore = quotas.mostNodes(name);
  quotas.note(name, withoutNodes({ limits, sizes }, servers, { provider: name, installationId, nodepoolId }));
  const most = quotas.mostNodes(name);
  if (most !== mostBefore && most !== undefined && most < provider.maxServers) {
    const others = quotas.find(name)?.others ?? 0;
    const parts = `${limits.maxInstances ?? 0} instances, of which ${others} are others'`;
    deps.log.info(`The quota of ${name} leaves ${most} of its ${provider.maxServers} servers: ${parts}`);
  }
  if (roomText(name, quotas) !== before) deps.onRoomChanged();
}

function isSizeBounded({ maxCores, maxRamMib }: ProviderConfig, limits: Limits): boolean {
  return [maxCores, maxRamMib, limits.maxCores, limits.maxRamMib].some((bound) => bound !== undefined);
}

/** What a server of each image takes. One for which there is no flavor is left out: its launches fail, and say why. */
async function readSizes(
  { images }: ProviderConfig,
  cloud: CloudProvider,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ServerSize>> {
  const sizes = new Map<string, ServerSize>();
  for (const { name, minRamMib, nameFilter } of images) {
    try {
      sizes.set(name, await cloud.sizeOf(definedOnly({ minRamMib, flavorNameFilter: nameFilter }), signal));
    } catch (error) {
      if (!(error instanceof RequestRefusedError)) throw error;
    }
  }
  return sizes;
}

/** What of the project is no node's of ours. */
function withoutNodes(seen: Pick<Quota, 'limits' | 'sizes'>, servers: readonly Server[], ownership: Ownership): Quota {
  const present = servers.filter(({ status }) => status !== 'DELETED');
  const nodes = present.filter(({ metadata }) => {
    const owner = parseOwner(metadata);
    return owner?.nodeId !== undefined && isOurs(owner, ownership);
  });
  const groups = nodes.map(({ metadata }) => ({ image: metadata['nodepool_image_name'], count: 1 }));
  const ours = totalSize(groups, seen.sizes ?? new Map<string, ServerSize>());
  const othersSize = {
    cores: Math.max(0, seen.limits.usedCores - ours.cores),
    ramMib: Math.max(0, seen.limits.usedRamMib - ours.ramMib),
  };
  return { ...seen, others: present.length - nodes.length, othersSize };
}

/** What allocation goes by, for comparison. */
function roomText(provider: string, quotas: QuotaBook): string {
  const sizes = [...(quotas.find(provider)?.sizes ?? [])];
  return JSON.stringify([quotas.mostNodes(provider), quotas.mostSize(provider), sizes]);
}
