import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../../src/runtime/errors.ts';
import { ApiFailure, parseJsonBody } from './api-call.ts';
import type { Answer, Call, Route } from './api-call.ts';
import type { ImportTaskRecord, ObjectRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { objectAt, textAt } from './json-value.ts';
import { findObject } from './object-routes.ts';
import { apiTime } from './openstack-times.ts';

/** Tasks of Glance that import an image from the object store (Rackspace: Cloud Images). */
export function listTaskRoutes(cloud: Cloud): Route[] {
  return [
    { method: 'POST', path: '/v2/tasks', handle: (call) => createTask(call, cloud) },
    { method: 'GET', path: '/v2/tasks/:id', handle: (call) => showTask(call, cloud) },
  ];
}

/** Tasks that a crash cut off have failed. */
export function failBrokenImports(cloud: Cloud): void {
  for (const { id, status } of cloud.importTasks.all()) {
    if (status === 'pending' || status === 'processing') end(id, { status: 'failure', message: 'Interrupted' }, cloud);
  }
}

function createTask(call: Call, cloud: Cloud): Answer {
  const body = parseJsonBody(call, 'Malformed JSON in request body.');
  const input = objectAt(body, 'input');
  const importFrom = textAt(input, 'import_from');
  if (textAt(body, 'type') !== 'import' || importFrom === undefined) throw new ApiFailure(400, 'Invalid task');
  const now = cloud.nowMs;
  const task = cloud.importTasks.put({
    id: cloud.deps.randomness.uuid(),
    owner: call.caller.projectId,
    status: 'pending',
    importFrom,
    imageName: textAt(objectAt(input, 'image_properties'), 'name') ?? null,
    message: '',
    createdAt: now,
    updatedAt: now,
  });
  void run(task, call.effect.importFails, cloud);
  return { status: 201, body: view(task) };
}

function showTask(call: Call, cloud: Cloud): Answer {
  const { id = '' } = call.params;
  const task = cloud.importTasks.find(id);
  if (task?.owner !== call.caller.projectId) throw new ApiFailure(404, `Failed to find task ${id}`);
  return { status: 200, body: view(task) };
}

function view(task: ImportTaskRecord): unknown {
  return {
    id: task.id,
    type: 'import',
    status: task.status,
    owner: task.owner,
    input: { import_from: task.importFrom, image_properties: { name: task.imageName } },
    result: task.imageId === undefined ? null : { image_id: task.imageId },
    message: task.message,
    created_at: apiTime(task.createdAt),
    updated_at: apiTime(task.updatedAt),
    self: `/v2/tasks/${task.id}`,
    schema: '/v2/schemas/task',
  };
}

/** An import takes as long as a snapshot. */
async function run(task: ImportTaskRecord, fails: string | undefined, cloud: Cloud): Promise<void> {
  const { clock, signal } = cloud.deps;
  try {
    cloud.importTasks.change(task.id, { status: 'processing', updatedAt: cloud.nowMs });
    await clock.sleep(cloud.timings.snapshotMs, signal);
    if (fails !== undefined) throw new Error(fails);
    const object = findObject(task.importFrom, task.owner, cloud);
    if (object === undefined) throw new Error(`Object ${task.importFrom} cannot be found`);
    const imageId = await makeImage(task, object, cloud);
    end(task.id, { status: 'success', imageId }, cloud);
  } catch (error) {
    // While it closes nothing more is written: the next start fails what was cut off.
    if (!signal.aborted) end(task.id, { status: 'failure', message: describeError(error) }, cloud);
  }
}

async function makeImage(task: ImportTaskRecord, object: ObjectRecord, cloud: Cloud): Promise<string> {
  const id = cloud.deps.randomness.uuid();
  const file = object.file === undefined ? {} : { file: await copyData(object.file, id, cloud) };
  const now = cloud.nowMs;
  const { sizeBytes, checksum, hashValue } = object;
  const data = { diskFormat: 'vhd', containerFormat: 'ovf', sizeBytes, checksum, hashValue, ...file };
  const facts = { isProtected: false, minRam: 0, minDisk: 0, tags: [], createdAt: now, updatedAt: now, properties: {} };
  const { imageName: name, owner } = task;
  cloud.images.put({ id, name, owner, status: 'active', visibility: 'private', ...data, ...facts });
  return id;
}

async function copyData(from: string, imageId: string, cloud: Cloud): Promise<string> {
  const folder = join(cloud.options.stateDir, 'images');
  await mkdir(folder, { recursive: true });
  const file = join(folder, imageId);
  await copyFile(from, file);
  return file;
}

function end(id: string, result: Partial<ImportTaskRecord>, cloud: Cloud): void {
  cloud.importTasks.change(id, { ...result, updatedAt: cloud.nowMs });
}
