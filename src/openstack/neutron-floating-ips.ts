import { z } from 'zod';
import type { FloatingIp } from '../provider/cloud-provider.ts';
import { RequestRefusedError } from '../provider/errors.ts';
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
});
const OneFloating = z.object({ floatingip: FloatingBody });
const FloatingPage = z.object({
  floatingips: listOf(FloatingBody),
  floatingips_links: listOf(z.object({ rel: z.string(), href: z.string() })).optional(),
});
const Ports = z.object({
  ports: listOf(z.object({ id: z.string(), fixed_ips: listOf(z.object({ ip_address: z.string() })) })),
});

/** Neutron's type for "no router leads there" (neutron.extensions.l3: ExternalGatewayForFloatingIPNotFound). */
const NO_GATEWAY = 'ExternalGatewayForFloatingIPNotFound';

/** Floating addresses of Neutron (Networking API v2.0: floatingips). */
export class NeutronFloatingIps implements FloatingSource {
  readonly keepsNotes = true;
  readonly #api: ApiCaller;
  readonly #networkId: (signal: AbortSignal) => Promise<string>;

  /** @param networkId of the network that addresses come from */
  constructor(api: ApiCaller, networkId: (signal: AbortSignal) => Promise<string>) {
    this.#api = api;
    this.#networkId = networkId;
  }

  async list(signal: AbortSignal): Promise<readonly FloatingIp[]> {
    return await readPages((query) => this.#readPage(query ?? `limit=${PAGE_SIZE}`, signal));
  }

  async findByNote(note: string, signal: AbortSignal): Promise<readonly FloatingIp[]> {
    const page = await this.#readPage(`description=${encodeURIComponent(note)}`, signal);
    const items = page === 'marker-gone' ? [] : page.items;
    return items.filter((floating) => floating.note === note); // a service may not know the filter
  }

  async bindNew(order: FloatingOrder, signal: AbortSignal): Promise<string> {
    const body = {
      floatingip: {
        floating_network_id: await this.#networkId(signal),
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

  async remove(id: string, signal: AbortSignal): Promise<void> {
    await this.#api.call(
      {
        name: 'NeutronFloatingIPDelete',
        service: 'network',
        method: 'DELETE',
        path: `/floatingips/${encodeURIComponent(id)}`,
        repeatable: true,
        accept: [404],
        read: () => undefined,
      },
      signal,
    );
  }

  /** The server's port that has the fixed address, and which of its addresses, where it has several. */
  async #port({ server, fixed }: FloatingOrder, signal: AbortSignal): Promise<object> {
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

  async #readPage(query: string, signal: AbortSignal): Promise<Page<FloatingIp> | 'marker-gone'> {
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
          return definedOnly({ items: page.floatingips.map(toFloatingIp), next: queryOf(link) });
        },
      },
      signal,
    );
  }
}

function toFloatingIp(body: z.output<typeof FloatingBody>): FloatingIp {
  return definedOnly({
    id: body.id,
    ip: body.floating_ip_address,
    note: body.description ?? '',
    isBound: (body.port_id ?? null) !== null,
    serverId: body.port_details?.device_id ?? undefined,
  });
}
