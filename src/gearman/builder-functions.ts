/** The functions by which daemons and builders know each other, and the fields of their data (upstream: builder.py). */
export const BUILD_PREFIX = 'image-build:';
export const UPLOAD_PREFIX = 'image-upload:';
export const DELETE_PREFIX = 'image-delete:';
/** Ours only: says that all builds which are in a place are offered. Nobody asks for it. */
const PLACE_PREFIX = 'image-files:';
const MAX_NAME_BYTES = 512;

/** The function that says so; undefined: the place has too long a name. */
export function placeFunction(place: string): string | undefined {
  const name = `${PLACE_PREFIX}${encodeURIComponent(place)}`;
  return name.length > MAX_NAME_BYTES ? undefined : name;
}

/** The place of such a function; undefined: it is another one. */
export function parsePlace(name: string): string | undefined {
  if (!name.startsWith(PLACE_PREFIX)) return undefined;
  try {
    return decodeURIComponent(name.slice(PLACE_PREFIX.length));
  } catch {
    return undefined; // not one of ours
  }
}

/** The number of a build in the name of a function; undefined: it is none of ours. */
export function parseBuildId(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

/** The fields of a JSON object; none where the text is something else. */
export function parseFields(data: Uint8Array | string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(typeof data === 'string' ? data : Buffer.from(data).toString());
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
