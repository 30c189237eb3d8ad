import * as z from 'zod';
import type { CreatedServer, Server, ServerAddress, ServerSpec } from '../provider/cloud-provider.ts';
import { RequestRefusedError } from '../provider/errors.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { Secret } from '../runtime/secret.ts';
import type { ApiCaller } from './api-caller.ts';
import { isQuotaFault } from './classify-nova-failure.ts';
import type { Flavors } from './flavors.ts';
import type { Networks } from './networks.ts';
import { parseBody } from './parse-body.ts';
import { type Page, queryOf, readPages } from './read-pages.ts';
import { listOf } from '../runtime/list-of.ts';

/** Nova's own largest page (api.max_limit). */
const PAGE_SIZE = 1000;
/** Statuses by which a cloud says that this server has no console, or not yet. */
const NO_CONSOLE = [400, 403, 404, 409, 501];

const Address = z.object({
  addr: z.string(),
  version: z.union([z.literal(4), z.literal(6)]),
  'OS-EXT-IPS:type': z.string().nullish(),
});

/** Only what we use; `flavor` and much else changes shape between microversions. */
const ServerBody = z.object({
  id: z.string(),
  name: z.string().nullish(),
  status: z.string(),
  'OS-EXT-STS:task_state': z.string().nullish(),
  'OS-EXT-AZ:availability_zone': z.string().nullish(),
  fault: z.object({ code: z.number().nullish(), message: z.string().nullish() }).nullish(),
  addresses: z.record(z.string(), listOf(Address)).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  key_name: z.string().nullish(),
  created: z.string().nullish(),
});
const OneServer = z.object({ server: ServerBody });
const ServerPage = z.object({
  servers: listOf(ServerBody),
  servers_links: listOf(z.object({ rel: z.string(), href: z.string() })).optional(),
});
const Created = z.object({ server: z.object({ id: z.string().min(1), adminPass: z.string().optional() }) });
const Console = z.object({ output: z.string().nullable() });

export type ServerDeps = {
  readonly api: ApiCaller;
  readonly flavors: Flavors;
  readonly networks: Networks;
};

/**
 * Resolves flavor and networks and sends the one create call. Never repeated here: it might make a second server.
 * @throws {UnknownOutcomeError} it was sent and no usable answer came
 */
export async function createServer(spec: ServerSpec, deps: ServerDeps, signal: AbortSignal): Promise<CreatedServer> {
  const flavor = await deps.flavors.find(spec.minRamMib, spec.flavorNameFilter, signal);
  const networks = await deps.networks.ids(signal);
  const server = definedOnly({
    name: spec.name,
    imageRef: spec.imageId,
    flavorRef: flavor.id,
    metadata: spec.metadata,
    networks: networks.length === 0 ? undefined : networks.map((uuid) => ({ uuid })),
    availability_zone: spec.az,
    key_name: spec.keyName,
    config_drive: spec.configDrive,
    security_groups: spec.securityGroups?.length === 0 ? undefined : spec.securityGroups?.map((name) => ({ name })),
    user_data: spec.userData === undefined ? undefined : Buffer.from(spec.userData).toString('base64'),
  });
  try {
    return await sendCreate(server, deps.api, signal);
  } catch (error) {
    if (error instanceof RequestRefusedError) {
      deps.flavors.forget(); // what we remember may be why
      deps.networks.forget();
    }
    throw error;
  }
}

async function sendCreate(server: object, api: ApiCaller, signal: AbortSignal): Promise<CreatedServer> {
  const call = {
    name: 'ServerCreate',
    service: 'compute',
    method: 'POST',
    path: '/servers',
    body: { server },
    repeatable: false,
  } as const;
  const created = await api.call({ ...call, read: (answer) => parseBody(Created, answer).server }, signal);
  const { id, adminPass } = created;
  return adminPass === undefined ? { id } : { id, adminPassword: new Secret(adminPass) };
}

export async function findServer(id: string, api: ApiCaller, signal: AbortSignal): Promise<Server | undefined> {
  return await api.call(
    {
      name: 'ServerGet',
      service: 'compute',
      method: 'GET',
      path: `/servers/${encodeURIComponent(id)}`,
      repeatable: true,
      accept: [404],
      read: (answer) => (answer.status === 404 ? undefined : toServer(parseBody(OneServer, answer).server)),
    },
    signal,
  );
}

/** All servers of the project, page by page. */
export async function readServerList(api: ApiCaller, signal: AbortSignal): Promise<readonly Server[]> {
  return await readPages((query) => readPage(query, api, signal));
}

async function readPage(
  query: string | undefined,
  api: ApiCaller,
  signal: AbortSignal,
): Promise<Page<Server> | 'marker-gone'> {
  return await api.call(
    {
      name: 'ServerList',
      service: 'compute',
      method: 'GET',
      path: `/servers/detail?${query ?? `limit=${PAGE_SIZE}`}`,
      repeatable: true,
      accept: query === undefined ? [] : [400],
      read: (answer) => {
        if (answer.status === 400) return 'marker-gone';
        const page = parseBody(ServerPage, answer);
        const link = page.servers_links?.find((each) => each.rel === 'next')?.href;
        return definedOnly({ items: page.servers.map(toServer), next: queryOf(link) });
      },
    },
    signal,
  );
}

export async function deleteServer(id: string, api: ApiCaller, signal: AbortSignal): Promise<void> {
  await api.call(
    {
      name: 'ServerDelete',
      service: 'compute',
      method: 'DELETE',
      path: `/servers/${encodeURIComponent(id)}`,
      repeatable: true,
      accept: [404],
      read: () => undefined,
    },
    signal,
  );
}

/** The last `lines` of the console; empty where the cloud gives none (Nova: os-getConsoleOutput). */
export async function readConsole(
  request: { readonly id: string; readonly lines: number },
  api: ApiCaller,
  signal: AbortSignal,
): Promise<string> {
  const output = await api.call(
    {
      name: 'ServerConsoleGet',
      service: 'compute',
      method: 'POST',
      path: `/servers/${encodeURIComponent(request.id)}/action`,
      body: { 'os-getConsoleOutput': { length: request.lines } },
      repeatable: true, // it only reads
      accept: NO_CONSOLE,
      read: (answer) => (NO_CONSOLE.includes(answer.status) ? '' : (parseBody(Console, answer).output ?? '')),
    },
    signal,
  );
  return lastLines(output, request.lines); // some hypervisors ignore `length`
}

function lastLines(text: string, lines: number): string {
  const all = text.split('\n');
  const end = all.at(-1) === '' ? 1 : 0;
  return all.slice(-(lines + end)).join('\n');
}

function toServer(body: z.output<typeof ServerBody>): Server {
  return definedOnly({
    id: body.id,
    name: body.name ?? '',
    status: body.status,
    taskState: body['OS-EXT-STS:task_state'] ?? undefined,
    ...faultOf(body),
    addresses: Object.entries(body.addresses ?? {}).flatMap(([network, list]) =>
      list.map((address) => toAddress(network, address)),
    ),
    metadata: body.metadata ?? {},
    az: orUndefined(body['OS-EXT-AZ:availability_zone']),
    keyName: body.key_name ?? undefined,
    createdAt: instantOf(body.created),
  });
}

function faultOf({ fault }: z.output<typeof ServerBody>): Pick<Server, 'fault' | 'isOverQuota'> {
  const message = fault?.message ?? undefined;
  if (message === undefined) return {};
  return { fault: message, ...(isQuotaFault({ code: fault?.code ?? 0, message }) && { isOverQuota: true }) };
}

/** The beginning of time for what is none: such a server is old. */
function instantOf(text: string | null | undefined): Date {
  const ms = Date.parse(text ?? '');
  return new Date(Number.isNaN(ms) ? 0 : ms);
}

/** Nova says "no zone yet" with an empty text. */
function orUndefined(text: string | null | undefined): string | undefined {
  return text === '' || text === null ? undefined : text;
}

function toAddress(network: string, address: z.output<typeof Address>): ServerAddress {
  const kind = address['OS-EXT-IPS:type'] === 'floating' ? 'floating' : 'fixed';
  return { network, ip: address.addr, version: address.version, kind };
}
