import { ApiFailure, parseJsonBody } from './api-call.ts';
import type { Call } from './api-call.ts';
import type { ImageRecord } from './cloud-records.ts';
import { isJsonObject, pythonRepr, textAt } from './json-value.ts';
import type { JsonObject } from './json-value.ts';

const MALFORMED = 'Malformed JSON in request body.';
const DISK_FORMATS = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'];
const CONTAINER_FORMATS = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'];
const VISIBILITIES = ['community', 'public', 'private', 'shared'];
const READ_ONLY = new Set(
  'status size virtual_size checksum created_at updated_at self file schema owner os_hash_algo os_hash_value id direct_url'.split(
    ' ',
  ),
);

type Change = Partial<ImageRecord>;

const UUID = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$';

/**
 * The id that a create asks for; undefined: any will do.
 * @throws {ApiFailure} 400: it is no UUID
 */
export function readNewId(call: Call): string | undefined {
  const body = parseJsonBody(call, MALFORMED);
  const id = isJsonObject(body) ? body['id'] : undefined;
  if (id === undefined) return undefined;
  if (typeof id === 'string' && new RegExp(UUID).test(id)) return id;
  throw mismatch(`${pythonRepr(id)} does not match ${pythonRepr(UUID)}`);
}

/**
 * The attributes of a create's body: Glance's own under their names, others as properties.
 * @throws {ApiFailure} 400 and 403
 */
export function readNewImage(call: Call): Change {
  const body = parseJsonBody(call, MALFORMED);
  if (!isJsonObject(body)) throw new ApiFailure(400, MALFORMED);
  let change: Change = { properties: {} };
  for (const [key, value] of Object.entries(body)) {
    if (key !== 'id') change = { ...change, ...changeOf(key, value, change.properties ?? {}) };
  }
  return change;
}

/**
 * The image after a JSON patch.
 * @throws {ApiFailure} 400: not a patch; 403: an attribute that is not for users; 409: a property that is not there
 */
export function patchImage(image: ImageRecord, call: Call): ImageRecord {
  const operations = parseJsonBody(call, MALFORMED);
  if (!Array.isArray(operations)) throw new ApiFailure(400, 'Request body must be a JSON array of operation objects.');
  let patched = image;
  for (const operation of operations) {
    if (!isJsonObject(operation)) throw new ApiFailure(400, 'Operations must be JSON objects.');
    patched = { ...patched, ...changeBy(operation, patched) };
  }
  return patched;
}

function changeBy(operation: JsonObject, image: ImageRecord): Change {
  const pointer = (textAt(operation, 'path') ?? '').replace(/^\//, '');
  const op = textAt(operation, 'op');
  if (pointer === '' || pointer.includes('/')) {
    throw new ApiFailure(400, `Invalid JSON pointer for this resource: '/${pointer}'`);
  }
  const key = pointer.replaceAll('~1', '/').replaceAll('~0', '~');
  if (op === 'add' || op === 'replace') return changeOf(key, operation['value'], image.properties);
  if (op !== 'remove')
    throw new ApiFailure(400, 'Operations must specify an operation ("op") of add, remove or replace.');
  if (!(key in image.properties)) throw new ApiFailure(409, `Property ${key} does not exist.`);
  return { properties: Object.fromEntries(Object.entries(image.properties).filter(([each]) => each !== key)) };
}

function changeOf(key: string, value: unknown, properties: Readonly<Record<string, string>>): Change {
  if (READ_ONLY.has(key)) throw new ApiFailure(403, `Attribute '${key}' is read-only.`);
  const own = ATTRIBUTES[key];
  if (own !== undefined) return own(value);
  if (typeof value !== 'string') throw mismatch(`${pythonRepr(value)} is not of type 'string'`);
  return { properties: { ...properties, [key]: value } };
}

const ATTRIBUTES: Readonly<Record<string, (value: unknown) => Change>> = {
  name: (value) => ({ name: value === null ? null : text(value) }),
  disk_format: (value) => ({ diskFormat: value === null ? null : oneOf(value, DISK_FORMATS) }),
  container_format: (value) => ({ containerFormat: value === null ? null : oneOf(value, CONTAINER_FORMATS) }),
  visibility: (value) => {
    const visibility = oneOf(value, VISIBILITIES);
    if (visibility === 'public')
      throw new ApiFailure(403, 'You are not authorized to complete publicize_image action.');
    return { visibility };
  },
  protected: (value) => {
    if (typeof value !== 'boolean') throw mismatch(`${pythonRepr(value)} is not of type 'boolean'`);
    return { isProtected: value };
  },
  min_ram: (value) => ({ minRam: wholeNumber(value) }),
  min_disk: (value) => ({ minDisk: wholeNumber(value) }),
  tags: (value) => ({ tags: Array.isArray(value) ? value.map(String) : [] }),
  os_hidden: () => ({}),
};

function text(value: unknown): string {
  if (typeof value !== 'string') throw mismatch(`${pythonRepr(value)} is not of type 'null', 'string'`);
  if (value.length > 255) throw mismatch(`${pythonRepr(value)} is too long`);
  return value;
}

function wholeNumber(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw mismatch(`${pythonRepr(value)} is not of type 'integer'`);
  return value;
}

function oneOf(value: unknown, allowed: readonly string[]): string {
  if (typeof value === 'string' && allowed.includes(value)) return value;
  throw mismatch(`${pythonRepr(value)} is not one of ${pythonRepr([null, ...allowed])}`);
}

function mismatch(detail: string): ApiFailure {
  return new ApiFailure(400, `Provided object does not match schema 'image': ${detail}`);
}
