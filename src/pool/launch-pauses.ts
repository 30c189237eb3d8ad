import type { Grant } from '../allocation/grant-requests.ts';
import type { LabelConfig } from '../config/config.ts';
import type { NodeCount } from '../node/node-store.ts';
import { imageKey, labelKey, type LaunchBreakers, providerKey } from './launch-breakers.ts';

/** What the breakers keep from being launched, given what is being launched already. */
export type LaunchPauses = {
  readonly labels: readonly LabelConfig[];
  readonly nodes: readonly NodeCount[];
  readonly breakers: Pick<LaunchBreakers, 'isOpen' | 'isProbing'>;
};

/** The images that a provider may launch from now. A pause takes them away; its free slots still count. */
export function launchableImages(
  provider: string,
  ready: ReadonlySet<string>,
  pauses: LaunchPauses,
): ReadonlySet<string> {
  if (isProviderPaused(provider, pauses)) return new Set();
  const isPaused = (image: string): boolean =>
    waits(
      imageKey(provider, image),
      pauses,
      (row) => row.provider === provider && imageOf(row.label, pauses) === image,
    );
  return new Set([...ready].filter((image) => !isPaused(image)));
}

/** Whether nothing may be launched in the provider now. */
export function isProviderPaused(provider: string, pauses: LaunchPauses): boolean {
  return waits(providerKey(provider), pauses, (row) => row.provider === provider);
}

/** A label whose machines or scripts keep failing waits as if its image were missing. */
export function launchableLabel(label: LabelConfig, pauses: LaunchPauses): LabelConfig {
  const isPaused = waits(labelKey(label.name, label.image), pauses, (row) => row.label === label.name);
  return isPaused ? { ...label, providers: [] } : label;
}

/** The grants, cut down to one node for each breaker that lets a launch through to see. */
export function limitToProbes(grants: readonly Grant[], pauses: LaunchPauses): readonly Grant[] {
  const probed = new Set<string>();
  return grants.flatMap((grant) => {
    const probes = keysOf(grant, pauses).filter((key) => pauses.breakers.isProbing(key));
    if (probes.length === 0) return [grant];
    const isTaken = probes.some((key) => probed.has(key));
    for (const key of probes) probed.add(key);
    return isTaken ? [] : [{ ...grant, count: 1 }];
  });
}

/** Whether the breaker is open, or lets one launch through and that is under way. */
function waits(key: string, { breakers, nodes }: LaunchPauses, concerns: (row: NodeCount) => boolean): boolean {
  if (breakers.isOpen(key)) return true;
  if (!breakers.isProbing(key)) return false;
  return nodes.some((row) => row.state === 'building' && row.count > 0 && concerns(row));
}

function imageOf(label: string, { labels }: LaunchPauses): string | undefined {
  return labels.find(({ name }) => name === label)?.image;
}

function keysOf({ label, provider }: Grant, pauses: LaunchPauses): readonly string[] {
  const image = imageOf(label, pauses) ?? '';
  return [providerKey(provider), imageKey(provider, image), labelKey(label, image)];
}
