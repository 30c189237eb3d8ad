import * as z from 'zod';
import type { CloudConfig } from '../config/config.ts';
import { RequestRefusedError } from '../provider/errors.ts';
import { listOf } from '../runtime/list-of.ts';

/** As in the keys of clouds.yaml: `object_store_endpoint_override`. */
export type ServiceName = 'compute' | 'image' | 'network' | 'object_store';

export const Catalog = listOf(
  z.object({
    type: z.string(),
    name: z.string().nullish(),
    endpoints: listOf(
      z.object({
        interface: z.string(),
        region: z.string().nullish(),
        region_id: z.string().nullish(),
        url: z.string(),
      }),
    ),
  }),
);
export type Catalog = z.output<typeof Catalog>;

const LONGEST_SHOWN = 200;

/** What is missing at the end of a catalogue's url, whatever version it names; undefined: such urls are whole. */
const VERSION_PATH: Record<ServiceName, string | undefined> = {
  compute: undefined,
  image: '/v2',
  network: '/v2.0',
  object_store: undefined,
};

type Wanted = Pick<
  CloudConfig,
  'name' | 'regionName' | 'interface' | 'endpointOverrides' | 'serviceTypes' | 'serviceNames'
>;

/**
 * Where the service answers, version included, without a slash at the end.
 * @throws {RequestRefusedError} the catalogue has no such endpoint; the message names what it has
 */
export function endpointOf(service: ServiceName, catalog: Catalog, wanted: Wanted): string {
  const url = wanted.endpointOverrides[service] ?? findUrl(service, catalog, wanted);
  if (url === undefined) throw new RequestRefusedError(explainMissing(service, catalog, wanted));
  return withVersion(service, url);
}

/**
 * The URL of a call below such an endpoint.
 * @throws {RequestRefusedError} the catalogue, or whoever wrote it, names no http URL
 */
export function callUrl(endpoint: string, path: string): URL {
  const address = `${endpoint}${path}`;
  if (/^https?:[/][/]/i.test(address) && URL.canParse(address)) return new URL(address);
  throw new RequestRefusedError(`Cannot call "${endpoint.slice(0, LONGEST_SHOWN)}": it is no http URL`);
}

/** Whether the catalogue, or an override, has that service for us. */
export function hasEndpoint(service: ServiceName, catalog: Catalog, wanted: Wanted): boolean {
  return wanted.endpointOverrides[service] !== undefined || findUrl(service, catalog, wanted) !== undefined;
}

function findUrl(service: ServiceName, catalog: Catalog, wanted: Wanted): string | undefined {
  const type = typeOf(service, wanted);
  const name = wanted.serviceNames[service];
  return catalog
    .filter((entry) => entry.type === type && (name === undefined || entry.name === name))
    .flatMap((entry) => entry.endpoints)
    .find((endpoint) => isInterface(endpoint.interface, wanted) && isRegion(endpoint, wanted))?.url;
}

/** Catalogues carried over from v2 say `publicURL`. */
function isInterface(name: string, wanted: Wanted): boolean {
  return name === wanted.interface || name === `${wanted.interface}URL`;
}

function isRegion(endpoint: Catalog[number]['endpoints'][number], wanted: Wanted): boolean {
  const { regionName } = wanted;
  return regionName === undefined || endpoint.region === regionName || endpoint.region_id === regionName;
}

function typeOf(service: ServiceName, wanted: Wanted): string {
  return wanted.serviceTypes[service] ?? service.replace('_', '-');
}

function withVersion(service: ServiceName, url: string): string {
  const bare = url.replace(/\/+$/, '');
  const version = VERSION_PATH[service];
  return version === undefined ? bare : bare.replace(/\/v\d+(\.\d+)?$/, '') + version;
}

function explainMissing(service: ServiceName, catalog: Catalog, wanted: Wanted): string {
  const what = `Cannot find the "${service.replace('_', '-')}" service of cloud "${wanted.name}"`;
  if (catalog.length === 0) return `${what}: the catalogue is empty, do the credentials name a project?`;
  const type = typeOf(service, wanted);
  const choices = catalog
    .filter((entry) => entry.type === type)
    .flatMap((entry) => entry.endpoints.map((end) => `${entry.name ?? type}/${end.region ?? '-'}/${end.interface}`));
  const types = catalog.map((entry) => entry.type).join(', ');
  const has = choices.length > 0 ? `it has ${choices.join(', ')} (name/region/interface)` : `it has only ${types}`;
  const { regionName } = wanted;
  const region = regionName === undefined ? '' : `region "${regionName}", `;
  return `${what} for ${region}interface "${wanted.interface}": ${has}`;
}
