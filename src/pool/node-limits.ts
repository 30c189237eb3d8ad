import type { ProviderConfig } from '../config/config.ts';
import type { ServerSize } from '../provider/cloud-provider.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { QuotaBook } from './quota-book.ts';

/**
 * How much of cores and memory the nodes of a provider may take together: what the configuration allows, or what the
 * cloud's quota leaves if that is less. Undefined: neither bounds anything.
 */
export function nodeLimits(
  { name, maxCores, maxRamMib }: Pick<ProviderConfig, 'name' | 'maxCores' | 'maxRamMib'>,
  quotas: Pick<QuotaBook, 'mostSize'> | undefined,
): Partial<ServerSize> | undefined {
  const left = quotas?.mostSize(name) ?? {};
  const limits = definedOnly({ cores: lesser(maxCores, left.cores), ramMib: lesser(maxRamMib, left.ramMib) });
  return Object.keys(limits).length === 0 ? undefined : limits;
}

/** Of two bounds, either of which may be absent. */
function lesser(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
