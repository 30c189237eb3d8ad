import type { CloudProvider } from '../../provider/cloud-provider.ts';
import type { Clock } from '../../runtime/clock.ts';
import { describeError } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Farm } from '../farm.ts';
import type { LeakedImage, LeakedServer } from './find-leaks.ts';
import type { Inspection } from './inspect-provider.ts';
import { namesOf } from './names-of.ts';
import { reapServer } from './reap-server.ts';

export type ReapLeaksDeps = {
  readonly farm: () => Farm;
  readonly clock: Clock;
  readonly log: Logger;
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
  inspection: Pick<Inspection, 'provider' | 'servers' | 'images' | 'rows'>,
  deps: ReapLeaksDeps,
  signal: AbortSignal,
): Promise<readonly ReapedLeak[]> {
  const { provider, servers, images, rows } = inspection;
  const farm = deps.farm();
  const cloud = farm.cloudOf(provider);
  if (cloud === undefined) return [];
  const agents = farm.config.targets.flatMap(({ name }) => farm.agentsOf(name) ?? []);
  const namesInUse = new Set([
    ...deps.operatorKeypairs(provider),
    ...namesOf([...rows.nodes.values()], [...rows.images.values()]),
  ]);
  const reaped: ReapedLeak[] = [];
  for (const leak of [...servers, ...images]) {
    const { name } = 'server' in leak ? leak.server : leak.image;
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

/** Gives why it stays; undefined: it is gone. */
async function reapOne(
  leak: LeakedServer | LeakedImage,
  deps: ReapLeaksDeps & Parameters<typeof reapServer>[1],
  signal: AbortSignal,
): Promise<string | undefined> {
  if ('server' in leak) {
    return (await reapServer(leak, deps, signal)) === 'busy' ? 'a build still runs on it' : undefined;
  }
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
