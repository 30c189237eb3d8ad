import { asError, isAbort } from '../../src/runtime/errors.ts';
import type { Caller } from './api-call.ts';
import type { ImageRecord, ServerRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import type { FaultEffect } from './fault-rule.ts';
import { removeImage } from './image-book.ts';

export type SnapshotOrder = {
  readonly server: ServerRecord;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly caller: Caller;
};

/** Makes the image that `createImage` answers with: queued, without data. */
export function makeSnapshotImage(order: SnapshotOrder, cloud: Cloud): ImageRecord {
  const { server, caller } = order;
  const now = cloud.nowMs;
  return cloud.images.put({
    id: cloud.deps.randomness.uuid(),
    name: order.name,
    owner: server.projectId,
    status: 'queued',
    visibility: 'private',
    diskFormat: null,
    containerFormat: null,
    sizeBytes: null,
    checksum: null,
    hashValue: null,
    isProtected: false,
    minRam: 0,
    minDisk: server.flavor.diskGib,
    tags: [],
    createdAt: now,
    updatedAt: now,
    properties: {
      ...inheritedProperties(server, cloud),
      base_image_ref: server.imageId,
      owner_user_name: caller.userName,
      owner_project_name: caller.projectName,
      boot_roles: 'member,reader',
      instance_uuid: server.id,
      user_id: caller.userId,
      image_type: 'snapshot',
      ...order.metadata,
    },
  });
}

export type SnapshotDeps = {
  readonly cloud: Cloud;
  readonly effect: FaultEffect;
};

/**
 * Takes the image to `active` and the server through the task states of a snapshot. The image turns `active` a little
 * before the task state clears. A snapshot that fails or is cut off takes its image away.
 */
export async function snapshotServer(
  subject: { readonly serverId: string; readonly imageId: string },
  deps: SnapshotDeps,
  signal: AbortSignal,
): Promise<void> {
  const { cloud } = deps;
  const { serverId, imageId } = subject;
  try {
    await saveImage(subject, deps, signal);
    await cloud.deps.clock.sleep(cloud.timings.snapshotTailMs, signal);
  } catch (error) {
    // An image that is complete is not the server's any more.
    if (cloud.images.find(imageId)?.status !== 'active') await removeImage(imageId, cloud);
    if (isAbort(error, signal)) throw error;
    cloud.deps.log.info('Snapshot failed', { serverId, imageId, reason: asError(error).message });
  }
  cloud.servers.change(serverId, { taskState: null, updatedAt: cloud.nowMs });
}

async function saveImage(
  subject: { readonly serverId: string; readonly imageId: string },
  { cloud, effect }: SnapshotDeps,
  signal: AbortSignal,
): Promise<void> {
  const { serverId, imageId } = subject;
  const ms = effect.snapshotMs ?? cloud.timings.snapshotMs;
  const step = async (taskState: string, part: number): Promise<void> => {
    cloud.servers.drift(serverId, { taskState });
    await cloud.deps.clock.sleep(ms * part, signal);
  };
  await step('image_snapshot_pending', 0.1);
  await step('image_snapshot', 0.1);
  await step('image_pending_upload', 0.4);
  if (effect.snapshotFails === true) throw new Error('A fault rule says so');
  const saved = await cloud.deps.backend.snapshot(serverId, imageId);
  signal.throwIfAborted();
  change(
    imageId,
    { status: 'saving', diskFormat: 'qcow2', containerFormat: 'bare', ...savedProperties(imageId, cloud) },
    cloud,
  );
  await step('image_uploading', 0.4);
  const image = change(imageId, { status: 'active', sizeBytes: saved.sizeBytes, ...fakeSums(imageId) }, cloud);
  // Deleted meanwhile, by its owner: nothing may be left of it.
  if (image === undefined) await cloud.deps.backend.deleteImage(imageId);
}

function change(imageId: string, patch: Partial<ImageRecord>, cloud: Cloud): ImageRecord | undefined {
  return cloud.images.change(imageId, { ...patch, updatedAt: cloud.nowMs });
}

function inheritedProperties(server: ServerRecord, cloud: Cloud): Record<string, string> {
  const base = cloud.images.find(server.imageId)?.properties ?? {};
  // What describes the base image's own making is not inherited.
  const own = new Set(['image_state', 'owner_id', 'image_location']);
  return Object.fromEntries(Object.entries(base).filter(([key]) => !own.has(key)));
}

function savedProperties(imageId: string, cloud: Cloud): Partial<ImageRecord> {
  const image = cloud.images.find(imageId);
  if (image === undefined) return {};
  const added = { image_state: 'available', owner_id: image.owner, image_location: 'snapshot' };
  return { properties: { ...image.properties, ...added } };
}

/** Sums of the right form: nobody downloads a snapshot here. */
function fakeSums(imageId: string): Pick<ImageRecord, 'checksum' | 'hashValue'> {
  const digits = imageId.replaceAll('-', '');
  return { checksum: digits, hashValue: digits.repeat(4) };
}
