import { buildKeypairName } from '../image/build-keypair.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import { awaitGone } from '../provider/await-server.ts';
import { floatingNote } from '../provider/floating-note.ts';
import { parseOwner } from '../provider/owner-metadata.ts';
import type { BuildDeps } from './build.ts';
import { crashPoint } from '../runtime/crash-point.ts';

const SERVER_GONE_MS = 600_000;
/** Lists in which no server may name the build: one list may miss a server by chance, and a new one comes late. */
const SWEEPS = 2;

export type RemovalDeps = Pick<
  BuildDeps,
  'images' | 'cloud' | 'clock' | 'log' | 'task' | 'installationId' | 'operatorKeypairs'
>;

/** Deletes what a build leaves in the cloud besides its image: servers that name it, and its keypair. Safe to repeat. */
export async function removeBuildServer(row: SnapshotImage, deps: RemovalDeps, signal: AbortSignal): Promise<void> {
  const { serverExternalId } = row;
  const keypair = buildKeypairName(row);
  if (serverExternalId !== undefined) await removeServer(serverExternalId, deps, signal);
  if (row.attempt !== undefined) await removeStrays(row, deps, signal);
  crashPoint('build-server-gone');
  if (row.attempt !== undefined) {
    const note = floatingNote({ kind: 'build', id: row.id, installation: deps.installationId });
    await deps.cloud.releaseFloatingIps({ note }, signal);
  }
  if (keypair !== undefined) await removeKeypair(keypair, deps, signal);
  crashPoint('build-keypair-gone');
  // Only what changes: each write wakes the passes that called us.
  if (serverExternalId !== undefined) await deps.images.record(row.id, { serverExternalId: null });
  crashPoint('build-server-forgotten');
}

async function removeServer(id: string, deps: RemovalDeps, signal: AbortSignal): Promise<void> {
  deps.task.waitOn(`build server ${id} to be gone`);
  crashPoint('build-server-deletion-sent');
  await deps.cloud.deleteServer(id, signal);
  await awaitGone({ id, ms: SERVER_GONE_MS }, deps, signal);
}

/** A create call whose answer was lost may have made a server that the row does not know. */
async function removeStrays(row: SnapshotImage, deps: RemovalDeps, signal: AbortSignal): Promise<void> {
  for (let sweep = 1; sweep <= SWEEPS; sweep += 1) {
    deps.task.waitOn('a server list, to look for strays of the build');
    for (const server of await deps.cloud.nextServerList(signal)) {
      const owner = parseOwner(server.metadata);
      const isStray = owner?.imageId === row.id && owner.installation === deps.installationId;
      if (!isStray || server.status === 'DELETED') continue;
      const { name, id } = server;
      deps.log.warn(`Deleting leaked instance ${name} (${id}) in ${row.provider} for image id: ${row.id}`);
      await removeServer(id, deps, signal);
    }
  }
}

/** A template without timestamp, and the id, may give the build's keypair the name of one that the operator made. */
async function removeKeypair(name: string, deps: RemovalDeps, signal: AbortSignal): Promise<void> {
  if (deps.operatorKeypairs.has(name)) return;
  await deps.cloud.deleteKeypair(name, signal);
}
