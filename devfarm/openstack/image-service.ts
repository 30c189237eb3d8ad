import { ApiFailure, peekJsonBody } from './api-call.ts';
import type { Answer, Call, Incoming, Route, Service } from './api-call.ts';
import { patchImage, readNewId, readNewImage } from './change-image.ts';
import type { ImageRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { removeImage, vanishLater } from './image-book.ts';
import { refuseAsGlance } from './image-errors.ts';
import { imageView } from './image-view.ts';
import { listTaskRoutes } from './import-tasks.ts';
import { textAt } from './json-value.ts';
import { listImages } from './list-images.ts';
import { listObjectRoutes } from './object-routes.ts';
import { identifyCaller } from './token-issuer.ts';
import { uploadImage } from './upload-image.ts';

const SUPPORTED = ['v2.9', 'v2.7', 'v2.6', 'v2.5', 'v2.4', 'v2.3', 'v2.2', 'v2.1', 'v2.0'];
const NO_CONTENT: Answer = { status: 204, headers: { 'content-type': 'text/html; charset=UTF-8' } };

/** Glance v2. */
export function buildImageService(cloud: Cloud): Service {
  return {
    name: 'image',
    routes: listRoutes(cloud),
    admit: (incoming) => ({ ...incoming, caller: identifyCaller(incoming, cloud), minor: 0 }),
    refuse: (failure, incoming) => refuseAsGlance(failure, incoming, cloud),
    unknownPath: (incoming) => refuseAsGlance(new ApiFailure(404, 'The resource could not be found.'), incoming, cloud),
    namesOf: (incoming) => namesOf(incoming, cloud),
  };
}

function listRoutes(cloud: Cloud): Route[] {
  const path = '/v2/images/:id';
  return [
    { method: 'GET', path: '/', open: true, handle: () => ({ status: 300, body: versionList(cloud) }) },
    { method: 'GET', path: '/versions', open: true, handle: () => ({ status: 200, body: versionList(cloud) }) },
    { method: 'GET', path: '/v2/images', handle: (call) => listImages(call, cloud) },
    { method: 'POST', path: '/v2/images', handle: (call) => create(call, cloud) },
    { method: 'GET', path, handle: (call) => show(call, cloud) },
    { method: 'PATCH', path, handle: (call) => patch(call, cloud) },
    { method: 'DELETE', path, handle: (call) => remove(call, cloud) },
    { method: 'PUT', path: `${path}/file`, handle: (call) => upload(call, cloud) },
    ...(cloud.options.imageTasks ? [...listTaskRoutes(cloud), ...listObjectRoutes(cloud)] : []),
  ];
}

function versionList(cloud: Cloud): unknown {
  const links = [{ rel: 'self', href: `${cloud.origins.image}/v2/` }];
  const older = SUPPORTED.map((id) => ({ id, status: 'SUPPORTED', links }));
  return { versions: [{ id: 'v2.15', status: 'CURRENT', links }, ...older] };
}

function create(call: Call, cloud: Cloud): Answer {
  const now = cloud.nowMs;
  const id = readNewId(call) ?? cloud.deps.randomness.uuid();
  if (cloud.images.find(id) !== undefined) throw new ApiFailure(409, `Image ID ${id} already exists!`);
  const image = cloud.images.put({
    id,
    name: null,
    owner: call.caller.projectId,
    status: 'queued',
    visibility: 'shared',
    diskFormat: null,
    containerFormat: null,
    sizeBytes: null,
    checksum: null,
    hashValue: null,
    isProtected: false,
    minRam: 0,
    minDisk: 0,
    tags: [],
    createdAt: now,
    updatedAt: now,
    properties: {},
    ...readNewImage(call),
  });
  const headers = {
    location: `${cloud.origins.image}/v2/images/${image.id}`,
    'openstack-image-import-methods': 'glance-direct,web-download,copy-image',
  };
  return { status: 201, headers, body: imageView(image) };
}

async function show(call: Call, cloud: Cloud): Promise<Answer> {
  return { status: 200, body: imageView(await getImage(call, cloud)) };
}

async function patch(call: Call, cloud: Cloud): Promise<Answer> {
  const type = call.headers['content-type'] ?? '';
  if (!/^application\/openstack-images-v2\.[01]-json-patch/.test(type)) throw unsupported(type);
  const image = await getImage(call, cloud);
  checkOwner(image, call);
  return { status: 200, body: imageView(cloud.images.put({ ...patchImage(image, call), updatedAt: cloud.nowMs })) };
}

async function remove(call: Call, cloud: Cloud): Promise<Answer> {
  const id = call.params['id'] ?? '';
  const image = await findImage(call, cloud);
  if (image === undefined) throw new ApiFailure(404, `Failed to find image ${id} to delete`);
  checkOwner(image, call);
  if (image.isProtected) throw new ApiFailure(403, `Image ${id} is protected and cannot be deleted.`);
  await removeImage(id, cloud);
  return NO_CONTENT;
}

async function upload(call: Call, cloud: Cloud): Promise<Answer> {
  const type = call.headers['content-type'] ?? '';
  if (!type.startsWith('application/octet-stream')) throw unsupported(type);
  const image = await getImage(call, cloud);
  checkOwner(image, call);
  return await uploadImage(image, call, cloud);
}

function unsupported(type: string): ApiFailure {
  return new ApiFailure(415, `The request media type ${type} is not supported by this server.`);
}

function checkOwner(image: ImageRecord, call: Call): void {
  if (image.owner !== call.caller.projectId) throw new ApiFailure(403, 'You do not own this image');
}

async function getImage(call: Call, cloud: Cloud): Promise<ImageRecord> {
  const image = await findImage(call, cloud);
  if (image === undefined) throw new ApiFailure(404, `No image found with ID ${call.params['id'] ?? ''}`);
  return image;
}

async function findImage(call: Call, cloud: Cloud): Promise<ImageRecord | undefined> {
  const id = call.params['id'] ?? '';
  const { imageVanishesAfterMs } = call.effect;
  if (imageVanishesAfterMs === 0) await removeImage(id, cloud);
  else if (imageVanishesAfterMs !== undefined) vanishLater(id, imageVanishesAfterMs, cloud);
  return cloud.findImage(id, call.caller.projectId);
}

function namesOf(incoming: Incoming, cloud: Cloud): string[] {
  const image = cloud.images.find(incoming.params['id'] ?? '');
  const names = [image?.name ?? undefined, textAt(peekJsonBody(incoming), 'name')];
  return names.filter((name) => name !== undefined);
}
