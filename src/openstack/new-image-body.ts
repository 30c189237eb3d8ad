import type { ImageUpload } from '../provider/image-upload.ts';

/** Properties that Glance takes as numbers (shade: _upload_image_put_v2). */
const NUMBERS = new Set(['min_disk', 'min_ram']);
const YES = /^(true|yes|on|1)$/i;

type Values = Readonly<Record<string, string | number>>;

/** The record of an image that has no data yet (Glance: POST /v2/images). Private unless the properties say otherwise. */
export function newImageBody({ name, format, properties }: ImageUpload, id: string): Values {
  const own = { id, name, disk_format: format, container_format: 'bare' };
  return { visibility: 'private', ...imageValues(properties), ...own };
}

/** What the properties of an upload say to Glance. */
export function imageValues(properties: ImageUpload['properties']): Values {
  const { is_public: isPublic, ...others } = properties;
  const visibility = isPublic === undefined ? {} : { visibility: YES.test(isPublic) ? 'public' : 'private' };
  const values = Object.entries(others).map(([key, value]) => [key, toValue(key, value)] as const);
  return { ...visibility, ...Object.fromEntries(values) };
}

/** What is no number stays a text: Glance's complaint names it. */
function toValue(key: string, value: string): string | number {
  return NUMBERS.has(key) && /^\d{1,9}$/.test(value) ? Number(value) : value;
}
