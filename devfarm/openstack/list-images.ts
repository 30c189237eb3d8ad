import { ApiFailure } from './api-call.ts';
import type { Answer, Call } from './api-call.ts';
import type { ImageRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import type { EmulatorOptions } from './emulator-options.ts';
import { imageView } from './image-view.ts';

const CONTROLS = new Set(['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'member_status', 'os_hidden']);

/**
 * `GET /v2/images` with filters, order and pages. A page has 25 items unless told otherwise.
 * @throws {ApiFailure} 400: a limit that is no number, an unknown marker
 */
export function listImages(call: Call, cloud: Cloud): Answer {
  const { projectId } = call.caller;
  const filters = [...call.query].filter(([key]) => !CONTROLS.has(key));
  const seen = cloud.images.where(({ id }) => cloud.findImage(id, projectId) !== undefined);
  const wanted = seen.filter((image) => filters.every(([key, value]) => fits(image, key, value)));
  const sorted = sortImages(wanted, call);
  const page = cut(sorted, call, cloud.options);
  const last = page.at(-1);
  const query = new URLSearchParams([...call.query].filter(([key]) => key !== 'marker')).toString();
  const first = `/v2/images${query === '' ? '' : `?${query}`}`;
  const isFull = last !== undefined && page.length === limitOf(call, cloud.options);
  const next = isFull ? { next: `/v2/images?${query === '' ? '' : `${query}&`}marker=${last.id}` } : {};
  return { status: 200, body: { images: page.map(imageView), first, schema: '/v2/schemas/images', ...next } };
}

function fits(image: ImageRecord, key: string, value: string): boolean {
  if (key === 'tag') return image.tags.includes(value);
  if (key === 'size_min') return (image.sizeBytes ?? 0) >= Number(value);
  if (key === 'size_max') return (image.sizeBytes ?? 0) <= Number(value);
  // Glance shows all that one may see for `visibility=all`.
  if (key === 'visibility' && value === 'all') return true;
  const shown = String(imageView(image)[key]);
  return value.startsWith('in:') ? value.slice(3).split(',').includes(shown) : shown === value;
}

/** `sort=created_at:desc` or `sort_key` and `sort_dir`; newest first without either. */
function sortImages(images: readonly ImageRecord[], call: Call): ImageRecord[] {
  const [sort] = (call.query.get('sort') ?? '').split(',');
  const [key = '', direction] = sort === undefined || sort === '' ? [] : sort.split(':');
  const by = key === '' ? (call.query.get('sort_key') ?? 'created_at') : key;
  const isAscending = (direction ?? call.query.get('sort_dir') ?? 'desc') === 'asc';
  // Glance keeps whole seconds and then goes by id: of two images of one second any may come first.
  const ordered = [...images].sort((a, b) => compare(rankOf(a, by), rankOf(b, by)) || compare(a.id, b.id));
  return isAscending ? ordered : ordered.reverse();
}

function rankOf(image: ImageRecord, key: string): string | number {
  if (key === 'created_at') return Math.floor(image.createdAt / 1000);
  if (key === 'updated_at') return Math.floor(image.updatedAt / 1000);
  const value = imageView(image)[key];
  return typeof value === 'number' ? value : String(value);
}

function compare(a: string | number, b: string | number): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function cut(images: readonly ImageRecord[], call: Call, options: EmulatorOptions): readonly ImageRecord[] {
  const marker = call.query.get('marker');
  const start = marker === null ? 0 : images.findIndex(({ id }) => id === marker) + 1;
  if (marker !== null && start === 0) throw new ApiFailure(400, `Invalid marker. Image ${marker} could not be found.`);
  return images.slice(start, start + limitOf(call, options));
}

function limitOf(call: Call, options: EmulatorOptions): number {
  const limit = call.query.get('limit');
  if (limit === null) return Math.min(options.imagePageSize, options.maxLimit);
  if (!/^-?\d+$/.test(limit)) throw new ApiFailure(400, 'limit param must be an integer');
  if (Number(limit) < 0) throw new ApiFailure(400, 'limit param must be positive');
  return Math.min(Number(limit), options.maxLimit);
}
