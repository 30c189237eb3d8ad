import type { CloudProvider } from '../../provider/cloud-provider.ts';
import type { Clock } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Farm } from '../farm.ts';
import type { HistoryStore } from '../../node/history-store.ts';
import type { LeakedPort } from './find-leaked-ports.ts';
import type { LeakedImage, LeakedServer } from './find-leaks.ts';
import type { Inspection } from './inspect-provider.ts';
import { namesOf } from './names-of.ts';
import { reapServer } from './reap-server.ts';

export type ReapLeaksDeps = {
  readonly farm: () => Farm;
  readonly clock: Clock;
  readonly log: Logger;
  readonly history: Pick<HistoryStore, 'note'>;
  /** Keypairs that the operator made: never ours to delete. */
  readonly operatorKeypairs: (provider: string) => ReadonlySet<string>;
};

/** What became of one leak. */
export type ReapedLeak = {
  readonly name: string;
  /** Why it is still there; undefined: it is gone. */
  readonly keptBecause: string | undefined;
};

/** Deletes leaks one after the other; one that does not go does not stop the others. */
export async function reapLeaks(
  inspection: Pick<Inspection, 'provider' | 'servers' | 'images' | 'ports' | 'rows'>,
  deps: ReapLeaksDeps,
  signal: AbortSignal,
): Promise<readonly ReapedLeak[]> {
  const { provider, servers, images, ports, rows } = inspection;
  const farm = deps.farm();
  const cloud = farm.cloudOf(provider);
  if (cloud === undefined) return [];
  const agents = farm.config.targets.flatMap(({ name }) => farm.agentsOf(name) ?? []);
  const namesInUse = new Set([
    ...deps.operatorKeypairs(provider),
    ...namesOf([...rows.nodes.values()], [...rows.images.values()]),
  ]);
  const reaped: ReapedLeak[] = [];
  for (const leak of [...servers, ...images, ...ports]) {
    const name = nameOf(leak);
    const reap = reapOne(leak, { ...deps, cloud, agents, namesInUse }, signal);
    const keptBecause = await reap.catch((error: unknown) => {
      signal.throwIfAborted();
      return describeError(error);
    });
    if (keptBecause !== undefined) deps.log.warn(`Leaked ${name} in ${provider} stays: ${keptBecause}`);
    reaped.push({ name, keptBecause });
  }
  return reaped;
}

type Leak = LeakedServer | LeakedImage | LeakedPort;

function nameOf(leak: Leak): string {
  if ('port' in leak) return `port ${leak.port.id}`;
  return 'server' in leak ? leak.server.name : leak.image.name;
}

/** Gives why it stays; undefined: it is gone. */
async function reapOne(
  leak: Leak,
  deps: ReapLeaksDeps & Parameters<typeof reapServer>[1],
  signal: AbortSignal,
): Promise<string | undefined> {
  if ('server' in leak) {
    return (await reapServer(leak, deps, signal)) === 'busy' ? 'a build still runs on it' : undefined;
  }
  if ('port' in leak) return await deletePort(leak, deps, signal);
  await deleteImage(leak, deps, signal);
  return undefined;
}

async function deleteImage(
  { image }: LeakedImage,
  { cloud, log }: { readonly cloud: CloudProvider; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  log.warn(`Deleting leaked image ${image.name} (${image.id}) in ${cloud.name}`);
  await cloud.deleteImage(image.id, signal);
}

/** A list may miss a server for a moment, so only a 404 for the single server proves that it is gone. */
async function deletePort(
  { port }: LeakedPort,
  { cloud, log }: { readonly cloud: CloudProvider; readonly log: Logger },
  signal: AbortSignal,
): Promise<string | undefined> {
  if ((await cloud.findServer(port.deviceId, signal)) !== undefined) return 'its server is there';
  log.warn(`Deleting leaked port ${port.id} in ${cloud.name}: Its server ${port.deviceId} is gone`);
  await cloud.deletePort(port.id, signal);
  return undefined;
}
