import { UsageError } from '../cli/command.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../db/database.ts';
import { deleteUpload } from '../dib/delete-upload.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { Node } from '../node/node.ts';
import { inspectProvider, type Inspection } from '../pool/leaks/inspect-provider.ts';
import { reapLeaks, type ReapedLeak } from '../pool/leaks/reap-leaks.ts';
import { deleteNode } from '../pool/delete-node.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { deleteImage } from '../snapshot/delete-image.ts';
import { operatorKeypairs } from '../snapshot/operator-keypairs.ts';
import { Clients } from './clients.ts';

export type ForegroundParts = {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly tasks: TaskBoard;
  readonly database: Database;
};

/** Work that an operator's command does itself, beside the daemon: the same steps, which are safe to run twice. */
export interface ForegroundWork extends AsyncDisposable {
  deleteNode(node: Node, signal: AbortSignal): Promise<void>;
  deleteImage(image: SnapshotImage, signal: AbortSignal): Promise<void>;
  cloudOf(provider: string): CloudProvider | undefined;
  findLeaks(provider: string, signal: AbortSignal): Promise<Inspection>;
  reapLeaks(leaks: Inspection, signal: AbortSignal): Promise<readonly ReapedLeak[]>;
}

/** A build that still runs on the node, or a slow Jenkins, is asked again so often. */
const TRIES = 30;
const RETRY_MS = 2_000;

export function openForegroundWork(config: Config, parts: ForegroundParts): ForegroundWork {
  const nothing = (): void => undefined;
  const clients = new Clients(config, { ...parts, onCloudCall: nothing, onJenkinsCall: nothing });
  return {
    deleteNode: async (node, signal) => {
      await deleteNodeNow(node, { ...parts, clients }, signal);
    },
    deleteImage: async (image, signal) => {
      const { database, tasks, log } = parts;
      using task = tasks.start(`Deletion of image ${image.id}`);
      const cloud = cloudOf(image.provider, clients);
      const deps = { ...parts, images: database.images, installationId: database.installationId, cloud, task };
      if (image.dibImageId !== undefined) {
        await deleteUpload(image, { ...deps, log: log.child('ImageDeleter') }, signal);
        return;
      }
      const keypairs = operatorKeypairs(clients.providerSection(image.provider));
      await deleteImage(image, { ...deps, operatorKeypairs: keypairs, log: log.child('ImageDeleter') }, signal);
    },
    cloudOf: (provider) => clients.cloudOf(provider),
    findLeaks: async (provider, signal) => {
      const { nodes, images, history, installationId } = parts.database;
      const section = { name: provider, ...clients.providerSection(provider) };
      return await inspectProvider(
        section,
        { nodes, images, history, installationId, cloud: cloudOf(provider, clients) },
        signal,
      );
    },
    reapLeaks: async (leaks, signal) => {
      const keypairs = (provider: string): ReadonlySet<string> => operatorKeypairs(clients.providerSection(provider));
      const log = parts.log.child('NodeDeleter');
      const { history } = parts.database;
      return await reapLeaks(
        leaks,
        { ...parts, log, history, farm: () => clients, operatorKeypairs: keypairs },
        signal,
      );
    },
    [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose](),
  };
}

async function deleteNodeNow(
  node: Node,
  parts: ForegroundParts & { readonly clients: Clients },
  signal: AbortSignal,
): Promise<void> {
  const { database, clients, tasks, clock, log } = parts;
  using task = tasks.start(`Deletion of node ${node.id}`);
  const deps = {
    ...{ nodes: database.nodes, history: database.history, clock, task, installationId: database.installationId },
    cloud: cloudOf(node.provider, clients),
    agents: clients.agentsOf(node.target),
    metrics: { nodeDeleted: () => undefined },
    imageOf: () => undefined,
    log: log.child('NodeDeleter'),
  };
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const current = await database.nodes.find(node.id);
    if (current === undefined || (await deleteNode(current, deps, signal)) === 'gone') return; // or the daemon was faster
    await clock.sleep(RETRY_MS, signal);
  }
  throw new UsageError(`Node ${node.id} does not go: Jenkins still lists its agent; the daemon keeps trying`);
}

function cloudOf(provider: string, clients: Clients): CloudProvider {
  const cloud = clients.cloudOf(provider);
  if (cloud === undefined) throw new UsageError(`Provider ${provider} is not configured`);
  return cloud;
}
