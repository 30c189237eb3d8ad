import { z } from 'zod';
import type { FloatingIp } from '../provider/cloud-provider.ts';
import { RequestRefusedError } from '../provider/errors.ts';
import { parseFloatingNote } from '../provider/floating-note.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { listOf } from '../runtime/list-of.ts';
import type { ApiCaller } from './api-caller.ts';
import { type FloatingOrder, type FloatingSource, UnreachableNetworkError } from './floating-source.ts';
import { parseBody } from './parse-body.ts';
import { readPages, queryOf, type Page } from './read-pages.ts';

const PAGE_SIZE = 1000;

const FloatingBody = z.object({
  id: z.string().min(1),
  floating_ip_address: z.string(),
  port_id: z.string().nullish(),
  port_details: z.object({ device_id: z.string().nullish() }).nullish(),
  description: z.string().nullish(),
  // Only who uses an address again needs these: no list is lost for want of them.
  floating_network_id: z.string().nullish().catch(null),
  revision_number: z.int().nullish().catch(null),
});
const OneFloating = z.object({ floatingip: FloatingBody });
const FloatingPage = z.object({
  floatingips: listOf(FloatingBody),
  floatingips_links: listOf(z.object({ rel: z.string(), href: z.string() })).optional(),
});
const Ports = z.object({
  ports: listOf(z.object({ id: z.string(), fixed_ips: listOf(z.object({ ip_address: z.string() })) })),
});

type Floating = z.output<typeof FloatingBody>;

/** Precondition failed: the revision is another one by now. */
const CHANGED = 412;

/** Neutron's type for "no router leads there" (neutron.extensions.l3: ExternalGatewayForFloatingIPNotFound). */
const NO_GATEWAY = 'ExternalGatewayForFloatingIPNotFound';

export type NeutronFloatingDeps = {
  readonly api: ApiCaller;
  /** Of the network that addresses come from. */
  readonly networkId: (signal: AbortSignal) => Promise<string>;
  /** Whether a change can be bound to a revision (Neutron: extension `revision-if-match`). */
  readonly comparesRevisions: (signal: AbortSignal) => Promise<boolean>;
};

/** Floating addresses of Neutron (Networking API v2.0: floatingips). */
export class NeutronFloatingIps implements FloatingSource {
  readonly keepsNotes = true;
  readonly #api: ApiCaller;
  readonly #deps: NeutronFloatingDeps;

  constructor(deps: NeutronFloatingDeps) {
    this.#api = deps.api;
    this.#deps = deps;
  }

  async list(signal: AbortSignal): Promise<readonly FloatingIp[]> {
    return (await this.#readAll(signal)).map(toFloatingIp);
  }

  async findByNote(note: string, signal: AbortSignal): Promise<readonly FloatingIp[]> {
    const page = await this.#readPage(`description=${encodeURIComponent(note)}`, signal);
    const items = page === 'marker-gone' ? [] : page.items.map(toFloatingIp);
    return items.filter((floating) => floating.note === note); // a service may not know the filter
  }

  async bindNew(order: FloatingOrder, signal: AbortSignal): Promise<string> {
    const body = {
      floatingip: {
        floating_network_id: await this.#deps.networkId(signal),
        description: order.note,
        ...(await this.#port(order, signal)),
      },
    };
    const call = { name: 'NeutronFloatingIPCreate', service: 'network', method: 'POST', repeatable: false } as const;
    try {
      const { floatingip } = await this.#api.call(
        { ...call, path: '/floatingips', body, read: (answer) => parseBody(OneFloating, answer) },
        signal,
      );
      return floatingip.floating_ip_address;
    } catch (error) {
      if (error instanceof RequestRefusedError && error.type === NO_GATEWAY) {
        throw new UnreachableNetworkError(error.message, { cause: error });
      }
      throw error;
    }
  }

  async bind(floating: FloatingIp, order: FloatingOrder, signal: AbortSignal): Promise<string> {
    const { floatingip } = await this.#api.call(
      {
        name: 'NeutronFloatingIPUpdate',
        service: 'network',
        method: 'PUT',
        path: `/floatingips/${encodeURIComponent(floating.id)}`,
        body: { floatingip: await this.#port(order, signal) },
        repeatable: true,
        read: (answer) => parseBody(OneFloating, answer),
      },
      signal,
    );
    return floatingip.floating_ip_address;
  }

  async listFreed(signal: AbortSignal): Promise<readonly FloatingIp[]> {
    const networkId = await this.#deps.networkId(signal);
    const all = await this.#readAll(signal);
    const freed = all.filter(
      ({ floating_network_id: from, revision_number: revision, port_id: port, description }) =>
        from === networkId && typeof revision === 'number' && isNone(port) && isNodepools(description),
    );
    return freed.length > 0 && (await this.#deps.comparesRevisions(signal)) ? freed.map(toFloatingIp) : [];
  }

  async takeFreed(floating: FloatingIp, order: FloatingOrder, signal: AbortSignal): Promise<string | undefined> {
    const port = await this.#port(order, signal);
    const taken = await this.#api.call(
      {
        name: 'NeutronFloatingIPUpdate',
        service: 'network',
        method: 'PUT',
        path: `/floatingips/${encodeURIComponent(floating.id)}`,
        headers: ifStill(floating.revision),
        body: { floatingip: { description: order.note, ...port } },
        repeatable: false, // after the first time it has another revision
        accept: [404, CHANGED],
        read: (answer) => (answer.status >= 400 ? undefined : parseBody(OneFloating, answer).floatingip),
      },
      signal,
    );
    const isOurs = taken?.description === order.note && taken.port_id === port.port_id;
    return isOurs ? taken.floating_ip_address : undefined;
  }

  async remove(
    { id, revision }: Pick<FloatingIp, 'id' | 'revision'>,
    signal: AbortSignal,
  ): Promise<'gone' | 'changed'> {
    const isBound = revision !== undefined && (await this.#deps.comparesRevisions(signal));
    return await this.#api.call(
      {
        name: 'NeutronFloatingIPDelete',
        service: 'network',
        method: 'DELETE',
        path: `/floatingips/${encodeURIComponent(id)}`,
        ...(isBound && { headers: ifStill(revision) }),
        repeatable: true,
        accept: [404, CHANGED],
        read: ({ status }) => (status === CHANGED ? 'changed' : 'gone'),
      },
      signal,
    );
  }

  /** The server's port that has the fixed address, and which of its addresses, where it has several. */
  async #port({ server, fixed }: FloatingOrder, signal: AbortSignal): Promise<{ readonly port_id: string }> {
    const { ports } = await this.#api.call(
      {
        name: 'PortList',
        service: 'network',
        method: 'GET',
        path: `/ports?device_id=${encodeURIComponent(server.id)}`,
        repeatable: true,
        read: (answer) => parseBody(Ports, answer),
      },
      signal,
    );
    const port = ports.find(({ fixed_ips }) => fixed_ips.some(({ ip_address }) => ip_address === fixed));
    if (port === undefined) throw new RequestRefusedError(`Server ${server.id} has no port with the address ${fixed}`);
    return { port_id: port.id, ...(port.fixed_ips.length > 1 && { fixed_ip_address: fixed }) };
  }

  async #readAll(signal: AbortSignal): Promise<readonly Floating[]> {
    return await readPages((query) => this.#readPage(query ?? `limit=${PAGE_SIZE}`, signal));
  }

  async #readPage(query: string, signal: AbortSignal): Promise<Page<Floating> | 'marker-gone'> {
    return await this.#api.call(
      {
        name: 'NeutronFloatingIPList',
        service: 'network',
        method: 'GET',
        path: `/floatingips?${query}`,
        repeatable: true,
        accept: query.includes('marker=') ? [404] : [],
        read: (answer) => {
          if (answer.status === 404) return 'marker-gone';
          const page = parseBody(FloatingPage, answer);
          const link = page.floatingips_links?.find(({ rel }) => rel === 'next')?.href;
          return definedOnly({ items: page.floatingips, next: queryOf(link) });
        },
      },
      signal,
    );
  }
}

/** As Neutron reads it: one etag (neutron.api.api_common: check_request_for_revision_constraint). */
function ifStill(revision: number | undefined): Readonly<Record<string, string>> {
  return revision === undefined ? {} : { 'if-match': `revision_number=${revision}` };
}

function isNone(portId: string | null | undefined): boolean {
  return (portId ?? null) === null;
}

function isNodepools(description: string | null | undefined): boolean {
  return parseFloatingNote(description ?? '') !== undefined;
}

function toFloatingIp(body: Floating): FloatingIp {
  return definedOnly({
    id: body.id,
    ip: body.floating_ip_address,
    note: body.description ?? '',
    isBound: !isNone(body.port_id),
    serverId: body.port_details?.device_id ?? undefined,
    revision: body.revision_number ?? undefined,
  });
}
