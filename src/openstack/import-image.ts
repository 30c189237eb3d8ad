import type { CloudImage } from '../provider/cloud-provider.ts';
import { TransientProviderError } from '../provider/errors.ts';
import type { ImageUpload } from '../provider/image-upload.ts';
import type { ApiCaller } from './api-caller.ts';
import { awaitImage } from './await-image.ts';
import { importObject } from './image-tasks.ts';
import { deleteImage } from './images.ts';
import { imageValues } from './new-image-body.ts';
import {
  assertStorable,
  assertStored,
  createContainer,
  deleteObject,
  objectPath,
  passingHeaders,
  type StoredObject,
} from './object-store.ts';
import { type FileCall, sendImageFile } from './send-image-file.ts';
import type { Upload, UploadDeps } from './upload.ts';

/** As upstream's (shade: OBJECT_AUTOCREATE_CONTAINER). */
const CONTAINER = 'images';
const JSON_PATCH = 'application/openstack-images-v2.1-json-patch';

/**
 * The way of clouds that let nobody PUT an image (Rackspace): into the object store, imported from there by a task, then its
 * properties set. The image may have other bytes than the file, so its sums are not looked at; those of the object are.
 */
export async function importImage(upload: Upload, deps: UploadDeps, signal: AbortSignal): Promise<CloudImage> {
  const { left, watch } = upload;
  const { name, properties } = upload.upload;
  const object = { container: CONTAINER, name: `${name}-${deps.randomness.uuid()}` };
  await storeFile({ ...upload, object }, deps, signal);
  const id = await importObject({ object, imageName: name, left }, deps, signal);
  left.add(`image "${id}"`, (inner) => deleteImage(id, deps.api, inner));
  await watch.onCreated?.(id);
  await setProperties({ id, properties }, deps.api, signal);
  const facts = await awaitImage({ id, hasData: true }, deps, signal);
  if (facts?.image.status !== 'active') {
    const status = facts === undefined ? 'gone' : `"${facts.image.status}"`;
    throw new TransientProviderError(`Image "${id}" in "${deps.provider}" is ${status} after its import`);
  }
  await left.remove(nameOf(object), deps); // else the store drops it in a day
  return facts.image;
}

async function storeFile(
  { file, watch, left, object }: Upload & { readonly object: StoredObject },
  deps: UploadDeps,
  signal: AbortSignal,
): Promise<void> {
  const { api } = deps;
  assertStorable(file.path, file.sizeBytes);
  await createContainer(object.container, api, signal);
  left.add(nameOf(object), (inner) => deleteObject(object, api, inner));
  const call: FileCall<string | undefined> = {
    name: 'ObjectCreate',
    service: 'object_store',
    path: objectPath(object),
    headers: passingHeaders(),
    read: (answer) => answer.headers.etag,
  };
  const sent = await sendImageFile({ what: nameOf(object), call, file, watch }, deps, signal);
  await file.assertUnchanged();
  if (sent.doubt !== undefined) throw sent.doubt;
  assertStored(object, sent.answer, sent.sums.md5);
}

function nameOf({ container, name }: StoredObject): string {
  return `object "${container}/${name}"`;
}

async function setProperties(
  { id, properties }: { readonly id: string; readonly properties: ImageUpload['properties'] },
  api: ApiCaller,
  signal: AbortSignal,
): Promise<void> {
  const values = Object.entries(imageValues(properties));
  if (values.length === 0) return;
  await api.call(
    {
      name: 'ImageUpdate',
      service: 'image',
      method: 'PATCH',
      path: `/images/${encodeURIComponent(id)}`,
      headers: { 'content-type': JSON_PATCH },
      body: values.map(([key, value]) => ({ op: 'add', path: `/${escapePointer(key)}`, value })),
      repeatable: true,
      read: () => undefined,
    },
    signal,
  );
}

/** JSON Pointer (RFC 6901). */
function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
