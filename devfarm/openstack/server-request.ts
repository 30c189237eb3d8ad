import { ApiFailure } from './api-call.ts';
import type { Call } from './api-call.ts';
import { readComputeBody } from './compute-body.ts';
import { isJsonObject, listAt, pythonRepr, textAt } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import { isUuid } from './stable-ids.ts';

/** What a create asks for; its shape is right, but nobody has looked whether there is such an image and so on. */
export type ServerRequest = {
  readonly name: string;
  readonly imageId: string;
  readonly flavorId: string;
  readonly networks: readonly JsonObject[] | 'auto' | 'none' | undefined;
  readonly zone: string;
  readonly keyName: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly securityGroups: readonly string[];
  readonly userData: string | undefined;
  readonly configDrive: boolean;
  readonly description: string | undefined;
  readonly tags: readonly string[];
};

/** Each attribute, with the first minor version that knows it and what is wrong with a value. */
type Attribute = { readonly since?: number; readonly complaint: (value: unknown, call: Call) => string | undefined };

const ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  name: { complaint: (value) => textComplaint(value, 255) },
  imageRef: { complaint: imageComplaint },
  flavorRef: { complaint: (value) => (typeof value === 'number' ? undefined : textComplaint(value, 255)) },
  networks: { complaint: networksComplaint },
  availability_zone: { complaint: (value) => textComplaint(value, 255) },
  config_drive: { complaint: boolComplaint },
  key_name: { complaint: (value) => textComplaint(value, 255) },
  metadata: { complaint: () => undefined },
  security_groups: { complaint: listComplaint },
  user_data: { complaint: (value) => textComplaint(value, 65_535) },
  adminPass: { complaint: (value) => textComplaint(value, 255) },
  'OS-DCF:diskConfig': { complaint: (value) => textComplaint(value, 255) },
  accessIPv4: { complaint: (value) => textComplaint(value, 255) },
  accessIPv6: { complaint: (value) => textComplaint(value, 255) },
  personality: { complaint: listComplaint },
  block_device_mapping_v2: { complaint: listComplaint },
  description: { since: 19, complaint: (value) => (value === null ? undefined : textComplaint(value, 255)) },
  tags: { since: 52, complaint: listComplaint },
  hostname: { since: 90, complaint: (value) => textComplaint(value, 63) },
};

/**
 * Checks a create's body as Nova's schema does.
 * @throws {ApiFailure} 400
 */
export function readServerRequest(call: Call): ServerRequest {
  const body = readComputeBody(call);
  const server = isJsonObject(body) ? body['server'] : undefined;
  if (!isJsonObject(server)) throw refused('None', body, "'server' is a required property");
  const required = ['name', 'flavorRef', ...(call.minor >= 37 ? ['networks'] : [])];
  const missing = required.find((key) => !(key in server));
  if (missing !== undefined) throw refused('server', server, `'${missing}' is a required property`);
  for (const [key, value] of Object.entries(server)) checkAttribute({ key, value, server }, call);
  return parseServer(server);
}

function parseServer(server: JsonObject): ServerRequest {
  const text = (key: string): string => textAt(server, key) ?? '';
  return {
    name: text('name'),
    imageId: text('imageRef'),
    flavorId: String(server['flavorRef']),
    networks: networksOf(server['networks']),
    zone: text('availability_zone'),
    keyName: textAt(server, 'key_name'),
    metadata: readMetadata(server['metadata'] ?? {}),
    securityGroups: namesIn(server['security_groups']),
    userData: textAt(server, 'user_data'),
    configDrive: /^true$/i.test(String(server['config_drive'])),
    description: textAt(server, 'description'),
    tags: listAt(server, 'tags').map(String),
  };
}

/**
 * Metadata as Nova takes it: strings, and not long ones.
 * @throws {ApiFailure} 400
 */
export function readMetadata(given: unknown): Record<string, string> {
  if (!isJsonObject(given)) throw refused('metadata', given, `${pythonRepr(given)} is not of type 'object'`);
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(given)) {
    if (!/^[a-zA-Z0-9-_:. ]{1,255}$/.test(key)) {
      const detail = `${pythonRepr(key)} does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'`;
      throw refused('metadata', given, detail);
    }
    if (typeof value !== 'string') throw refused(key, value, `${pythonRepr(value)} is not of type 'string'`);
    if (value.length > 255) throw refused(key, value, `${pythonRepr(value)} is too long`);
    metadata[key] = value;
  }
  return metadata;
}

/** Nova's 400 for a value that its schema does not allow. */
export function refused(field: string, value: unknown, detail: string): ApiFailure {
  const shown = typeof value === 'string' ? value : pythonRepr(value);
  return new ApiFailure(400, `Invalid input for field/attribute ${field}. Value: ${shown}. ${detail}`);
}

function checkAttribute(
  given: { readonly key: string; readonly value: unknown; readonly server: JsonObject },
  call: Call,
): void {
  const { key, value, server } = given;
  const attribute = ATTRIBUTES[key];
  if (attribute === undefined || call.minor < (attribute.since ?? 1)) {
    throw refused('server', server, `Additional properties are not allowed ('${key}' was unexpected)`);
  }
  const complaint = attribute.complaint(value, call);
  if (complaint !== undefined) throw refused(key, value, complaint);
}

function textComplaint(value: unknown, most: number): string | undefined {
  if (typeof value !== 'string') return `${pythonRepr(value)} is not of type 'string'`;
  if (value === '') return "'' is too short";
  return value.length > most ? `${pythonRepr(value)} is too long` : undefined;
}

function imageComplaint(value: unknown): string | undefined {
  return typeof value === 'string' && (value === '' || isUuid(value))
    ? undefined
    : `${pythonRepr(value)} is not valid under any of the given schemas`;
}

function boolComplaint(value: unknown): string | undefined {
  return typeof value === 'boolean' || /^(true|false|1|0)$/i.test(String(value))
    ? undefined
    : `${pythonRepr(value)} is not one of [True, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', False, 'False']`;
}

function listComplaint(value: unknown): string | undefined {
  return Array.isArray(value) ? undefined : `${pythonRepr(value)} is not of type 'array'`;
}

/** @throws {ApiFailure} 400, in other words than the schema's: a network id that is no UUID */
function networksComplaint(value: unknown, call: Call): string | undefined {
  if (typeof value === 'string') {
    const isWord = call.minor >= 37 && (value === 'auto' || value === 'none');
    return isWord ? undefined : `${pythonRepr(value)} is not of type 'array'`;
  }
  if (!Array.isArray(value)) return listComplaint(value);
  for (const item of value) {
    const id = textAt(item, 'uuid');
    if (id !== undefined && !isUuid(id)) {
      throw new ApiFailure(400, `Bad networks format: network uuid is not in proper format (${id})`);
    }
  }
  return undefined;
}

function networksOf(value: unknown): ServerRequest['networks'] {
  if (value === 'auto' || value === 'none') return value;
  return Array.isArray(value) ? value.filter(isJsonObject) : undefined;
}

function namesIn(value: unknown): string[] {
  const groups = Array.isArray(value) ? value.map((group) => textAt(group, 'name')) : [];
  return groups.filter((name) => name !== undefined);
}
