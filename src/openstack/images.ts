import * as z from 'zod';
import type { CloudImage } from '../provider/cloud-provider.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { ProtocolError } from '../runtime/errors.ts';
import type { ApiCaller } from './api-caller.ts';
import type { HttpAnswer } from './http-connections.ts';
import { parseBody } from './parse-body.ts';
import { type Page, queryOf, readPages } from './read-pages.ts';
import { listOf } from '../runtime/list-of.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const PAGE_SIZE = 500;

/** Glance's own keys; every other key with a text is a property. */
const OWN_KEYS = new Set([
  ...['id', 'name', 'status', 'visibility', 'owner', 'self', 'file', 'schema', 'checksum', 'locations', 'direct_url'],
  ...['disk_format', 'container_format', 'created_at', 'updated_at', 'os_hash_algo', 'os_hash_value'],
]);

export const ImageBody = z.looseObject({ id: z.string(), name: z.string().nullish(), status: z.string() });
const ImagePage = z.object({ images: listOf(ImageBody), next: z.string().optional() });
const SnapshotBody = z.object({ image_id: z.string().min(1) });

/** By id where it looks like a UUID, else the newest active image of that name. */
export async function findImage(
  nameOrId: string,
  api: ApiCaller,
  signal: AbortSignal,
): Promise<CloudImage | undefined> {
  return UUID.test(nameOrId) ? await getImage(nameOrId, api, signal) : await findByName(nameOrId, api, signal);
}

async function getImage(id: string, api: ApiCaller, signal: AbortSignal): Promise<CloudImage | undefined> {
  return await api.call(
    {
      name: 'ImageGet',
      service: 'image',
      method: 'GET',
      path: `/images/${id}`,
      repeatable: true,
      accept: [404],
      read: (answer) => (answer.status === 404 ? undefined : toImage(parseBody(ImageBody, answer))),
    },
    signal,
  );
}

async function findByName(name: string, api: ApiCaller, signal: AbortSignal): Promise<CloudImage | undefined> {
  const query = new URLSearchParams({ name, status: 'active', sort: 'created_at:desc', limit: '1' });
  const page = await readPage(query.toString(), api, signal);
  return page === 'marker-gone' ? undefined : page.items[0];
}

/** The project's own images: never public or shared ones of others. */
export async function listImages(api: ApiCaller, signal: AbortSignal): Promise<readonly CloudImage[]> {
  const owner = await api.projectId(signal);
  const first = new URLSearchParams({ limit: String(PAGE_SIZE), ...(owner !== undefined && { owner }) });
  return await readPages((query) => readPage(query ?? first.toString(), api, signal));
}

async function readPage(query: string, api: ApiCaller, signal: AbortSignal): Promise<Page<CloudImage> | 'marker-gone'> {
  const isFollowing = new URLSearchParams(query).has('marker');
  return await api.call(
    {
      name: 'ImageList',
      service: 'image',
      method: 'GET',
      path: `/images?${query}`,
      repeatable: true,
      accept: isFollowing ? [400, 404] : [],
      read: (answer) => {
        if (answer.status >= 400) return 'marker-gone';
        const page = parseBody(ImagePage, answer);
        return definedOnly({ items: page.images.map(toImage), next: queryOf(page.next) });
      },
    },
    signal,
  );
}

export type SnapshotRequest = {
  readonly serverId: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
};

/**
 * Starts a snapshot and gives the image's id (Nova: createImage). Never repeated here: it might make a second image.
 * @throws {UnknownOutcomeError} it was sent and no usable answer came
 */
export async function createSnapshot(
  { serverId, name, metadata }: SnapshotRequest,
  api: ApiCaller,
  signal: AbortSignal,
): Promise<string> {
  return await api.call(
    {
      name: 'ImageSnapshotCreate',
      service: 'compute',
      method: 'POST',
      path: `/servers/${encodeURIComponent(serverId)}/action`,
      body: { createImage: { name, metadata } },
      repeatable: false,
      read: readSnapshotId,
    },
    signal,
  );
}

/** From microversion 2.45 the id is in the body; before, it is the last part of `Location`. */
function readSnapshotId(answer: HttpAnswer): string {
  const inBody = SnapshotBody.safeParse(answer.json);
  if (inBody.success) return inBody.data.image_id;
  const id = answer.headers.location?.replace(/\/+$/, '').split('/').at(-1);
  if (id === undefined || id === '') throw new ProtocolError('The answer names no image');
  return id;
}

export async function deleteImage(id: string, api: ApiCaller, signal: AbortSignal): Promise<void> {
  await api.call(
    {
      name: 'ImageDelete',
      service: 'image',
      method: 'DELETE',
      path: `/images/${encodeURIComponent(id)}`,
      repeatable: true,
      accept: [404],
      read: () => undefined,
    },
    signal,
  );
}

/** An image in our words. */
export function toImage(body: z.output<typeof ImageBody>): CloudImage {
  const properties = Object.entries(body).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && !OWN_KEYS.has(entry[0]),
  );
  return { id: body.id, name: body.name ?? '', status: body.status, properties: Object.fromEntries(properties) };
}
