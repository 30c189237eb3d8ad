import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { ApiFailure } from './api-call.ts';
import type { Answer, Call, Route } from './api-call.ts';
import type { ObjectRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { storeData } from './store-data.ts';

/** Where the object store is below Glance's address: it needs no port of its own. The account is the token's project. */
export const STORE = '/swift/v1/farm';

/** As much of Swift as an image needs on its way to an import task. */
export function listObjectRoutes(cloud: Cloud): Route[] {
  const container = `${STORE}/:container`;
  const object = `${container}/:object`;
  return [
    { method: 'PUT', path: container, handle: (call) => createContainer(call, cloud) },
    { method: 'GET', path: container, handle: (call) => listObjects(call, cloud) },
    { method: 'PUT', path: object, handle: (call) => putObject(call, cloud) },
    { method: 'HEAD', path: object, handle: (call) => showObject(call, cloud) },
    { method: 'DELETE', path: object, handle: (call) => deleteObject(call, cloud) },
  ];
}

/** The object of that project, unless its time is over. `path`: container and name. */
export function findObject(path: string, projectId: string, cloud: Cloud): ObjectRecord | undefined {
  const object = cloud.objects.find(`${projectId}/${path}`);
  return object !== undefined && object.deleteAt > cloud.nowMs ? object : undefined;
}

function createContainer(call: Call, cloud: Cloud): Answer {
  const id = containerId(call);
  const status = cloud.containers.find(id) === undefined ? 201 : 202;
  cloud.containers.put({ id });
  return { status };
}

function listObjects(call: Call, cloud: Cloud): Answer {
  const id = getContainer(call, cloud);
  const there = cloud.objects.where(({ containerId: of, deleteAt }) => of === id && deleteAt > cloud.nowMs);
  const body = there.map(({ name, sizeBytes, checksum }) => ({ name, bytes: sizeBytes, hash: checksum }));
  return { status: 200, body };
}

async function putObject(call: Call, cloud: Cloud): Promise<Answer> {
  const container = getContainer(call, cloud);
  const { object: name = '' } = call.params;
  const target = { folder: 'objects', name: cloud.deps.randomness.uuid(), room: Infinity };
  const { file, sums } = await storeData(target, call.upload ?? Readable.from([]), cloud);
  const lifeS = Number(call.headers['x-delete-after'] ?? Infinity);
  const deleteAt = Math.min(Number.MAX_SAFE_INTEGER, cloud.nowMs + 1000 * lifeS);
  const kept = file === undefined ? {} : { file };
  cloud.objects.put({ id: `${container}/${name}`, containerId: container, name, ...sums, deleteAt, ...kept });
  return { status: 201, headers: { etag: sums.checksum } };
}

function showObject(call: Call, cloud: Cloud): Answer {
  const { checksum, sizeBytes } = getObject(call, cloud);
  return { status: 200, headers: { etag: checksum, 'content-length': String(sizeBytes) } };
}

async function deleteObject(call: Call, cloud: Cloud): Promise<Answer> {
  const { id, file } = getObject(call, cloud);
  cloud.objects.remove(id);
  if (file !== undefined) await rm(file, { force: true });
  return { status: 204 };
}

function containerId(call: Call): string {
  return `${call.caller.projectId}/${call.params['container'] ?? ''}`;
}

function getContainer(call: Call, cloud: Cloud): string {
  const id = containerId(call);
  if (cloud.containers.find(id) === undefined) throw new ApiFailure(404, 'The resource could not be found.');
  return id;
}

function getObject(call: Call, cloud: Cloud): ObjectRecord {
  const { container = '', object: name = '' } = call.params;
  const object = findObject(`${container}/${name}`, call.caller.projectId, cloud);
  if (object === undefined) throw new ApiFailure(404, 'The resource could not be found.');
  return object;
}
