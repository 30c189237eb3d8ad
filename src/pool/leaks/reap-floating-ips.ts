import type { ProviderConfig } from '../../config/config.ts';
import type { ImageStore } from '../../image/image-store.ts';
import type { NodeStore } from '../../node/node-store.ts';
import type { CloudProvider, FloatingIp } from '../../provider/cloud-provider.ts';
import { parseFloatingNote } from '../../provider/floating-note.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { KnownRows } from './find-leaks.ts';
import { reapLimit } from './reap-limit.ts';

/** Somebody who just took an address binds it soon, and a launch may take one of ours again. */
const GRACE_MS = 10 * 60_000;

export type FloatingLeakDeps = {
  readonly cloud: CloudProvider;
  readonly nodes: Pick<NodeStore, 'find'>;
  readonly images: Pick<ImageStore, 'find'>;
  /** Of the provider, read before. */
  readonly rows: KnownRows;
  readonly installationId: string;
  /** Notes a sighting; tells whether the look before saw it too, and it was first seen so long ago. */
  readonly isDue: (id: string, leastAgeMs?: number) => boolean;
  readonly log: Logger;
};

/**
 * Deletes floating addresses that lead nowhere for ten minutes and were taken for nodes and builds which are gone: until
 * then a launch may use them again. Where nobody else uses the project (`clean-floating-ips`), also all others that lead
 * nowhere. Never so many at once that the database may be wrong. One that is bound goes after what it is bound to.
 */
export async function reapFloatingIps(
  provider: Pick<ProviderConfig, 'name' | 'cleanFloatingIps'>,
  deps: FloatingLeakDeps,
  signal: AbortSignal,
): Promise<void> {
  const { cloud, log } = deps;
  const all = await cloud.listFloatingIps(signal);
  const ours = new Set(all.filter((floating) => isOurs(floating, deps)));
  const free = all.filter(({ isBound, id }) => !isBound && deps.isDue(`unbound ${id}`, GRACE_MS));
  const leaked: FloatingIp[] = [];
  for (const floating of free) {
    if (ours.has(floating) && !(await hasOwner(floating, deps))) leaked.push(floating);
  }
  const others = provider.cleanFloatingIps ? free.filter((floating) => !ours.has(floating)) : [];
  if (leaked.length > reapLimit(ours.size)) {
    log.error(
      `${provider.name} holds ${leaked.length} floating addresses of ours that the database does not know, of ` +
        `${ours.size}: too many to delete at once, so none is. Is this the right database?`,
    );
    return;
  }
  for (const floating of [...leaked, ...others]) {
    const { id, ip } = floating;
    log.warn(`Deleting leaked floating IP ${ip} (${id}) in ${provider.name}`);
    const outcome = await cloud.deleteFloatingIp(floating, signal);
    if (outcome === 'changed') log.info(`Floating IP ${ip} (${id}) in ${provider.name} stays: it was taken meanwhile`);
  }
}

function isOurs({ note }: FloatingIp, { installationId }: FloatingLeakDeps): boolean {
  return parseFloatingNote(note)?.installation === installationId;
}

/** Another provider may share the project, so a row that this one does not have is looked for. */
async function hasOwner({ note }: FloatingIp, { rows, nodes, images }: FloatingLeakDeps): Promise<boolean> {
  const owner = parseFloatingNote(note);
  if (owner === undefined) return false;
  if (owner.kind === 'node') return rows.nodes.has(owner.id) || (await nodes.find(owner.id)) !== undefined;
  return rows.images.has(owner.id) || (await images.find(owner.id)) !== undefined;
}
