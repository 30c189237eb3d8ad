import { RequestRefusedError, TransientProviderError } from '../provider/errors.ts';
import type { ApiCaller } from './api-caller.ts';

/** Swift takes no single object that is larger. */
const MOST_BYTES = 5 * 1024 ** 3;
/** Swift removes the object by itself after so long: also when we are killed before we do. */
const KEPT_S = 24 * 3600;

/** One object of the project's store. */
export type StoredObject = { readonly container: string; readonly name: string };

/** @throws {RequestRefusedError} a file of that size cannot be one object */
export function assertStorable(path: string, sizeBytes: number): void {
  if (sizeBytes <= MOST_BYTES) return;
  const size = `${Math.ceil(sizeBytes / 1024 ** 3)} GiB`;
  throw new RequestRefusedError(`Cannot upload "${path}": it has ${size}, and the object store takes 5 GiB at most`);
}

/** Idempotent: the container may be there. */
export async function createContainer(container: string, api: ApiCaller, signal: AbortSignal): Promise<void> {
  await api.call(
    {
      name: 'ContainerCreate',
      service: 'object_store',
      method: 'PUT',
      path: `/${encodeURIComponent(container)}`,
      repeatable: true,
      read: () => undefined,
    },
    signal,
  );
}

/** Headers for an object that is only on its way through. */
export function passingHeaders(): Readonly<Record<string, string>> {
  return { 'x-delete-after': String(KEPT_S) };
}

export function objectPath({ container, name }: StoredObject): string {
  return `/${encodeURIComponent(container)}/${encodeURIComponent(name)}`;
}

/**
 * Whether Swift has what was sent, by the MD5 of its answer.
 * @throws {TransientProviderError} it has something else
 */
export function assertStored({ container, name }: StoredObject, etag: string | undefined, md5: string): void {
  if (etag === undefined || etag.replaceAll('"', '').toLowerCase() === md5) return;
  throw new TransientProviderError(`Object "${container}/${name}" is not what was sent: it has another MD5 checksum`);
}

/** Idempotent; 404 is success. */
export async function deleteObject(object: StoredObject, api: ApiCaller, signal: AbortSignal): Promise<void> {
  await api.call(
    {
      name: 'ObjectDelete',
      service: 'object_store',
      method: 'DELETE',
      path: objectPath(object),
      repeatable: true,
      accept: [404],
      read: () => undefined,
    },
    signal,
  );
}
