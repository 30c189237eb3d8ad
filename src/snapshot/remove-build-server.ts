import type { SnapshotImage } from '../image/snapshot-image.ts';
import { awaitGone } from '../provider/await-server.ts';
import { parseOwner } from '../provider/owner-metadata.ts';
import type { BuildDeps } from './build.ts';
import { keypairName } from './build-steps.ts';

const SERVER_GONE_MS = 600_000;

export type RemovalDeps = Pick<BuildDeps, 'images' | 'cloud' | 'clock' | 'log' | 'task' | 'installationId'>;

/** Deletes what a build leaves in the cloud besides its image: servers that name it, and its keypair. Safe to repeat. */
export async function removeBuildServer(row: SnapshotImage, deps: RemovalDeps, signal: AbortSignal): Promise<void> {
  if (row.serverExternalId !== undefined) await removeServer(row.serverExternalId, deps, signal);
  if (row.attempt !== undefined) await removeStrays(row, deps, signal);
  if (row.hostname !== undefined) await deps.cloud.deleteKeypair(keypairName(row.hostname), signal);
  await deps.images.record(row.id, { serverExternalId: null });
}

async function removeServer(id: string, deps: RemovalDeps, signal: AbortSignal): Promise<void> {
  deps.task.waitOn(`build server ${id} to be gone`);
  await deps.cloud.deleteServer(id, signal);
  await awaitGone({ id, ms: SERVER_GONE_MS }, deps, signal);
}

/** A create call whose answer was lost may have made a server that the row does not know. */
async function removeStrays(row: SnapshotImage, deps: RemovalDeps, signal: AbortSignal): Promise<void> {
  for (const server of await deps.cloud.nextServerList(signal)) {
    const owner = parseOwner(server.metadata);
    if (owner?.imageId !== row.id || owner.installation !== deps.installationId || server.status === 'DELETED')
      continue;
    deps.log.warn(`Deleting leaked instance ${server.name} (${server.id}) in ${row.provider} for image id: ${row.id}`);
    await removeServer(server.id, deps, signal);
  }
}
