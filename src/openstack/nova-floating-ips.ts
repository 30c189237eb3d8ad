import { z } from 'zod';
import type { FloatingIp } from '../provider/cloud-provider.ts';
import { RequestRefusedError } from '../provider/errors.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { listOf } from '../runtime/list-of.ts';
import type { ApiCaller } from './api-caller.ts';
import type { FloatingOrder, FloatingSource } from './floating-source.ts';
import { parseBody } from './parse-body.ts';

const FloatingBody = z.object({
  id: z.union([z.string(), z.number()]).transform(String), // nova-network counts them
  ip: z.string(),
  instance_id: z.string().nullish(),
  fixed_ip: z.string().nullish(),
});
const OneFloating = z.object({ floating_ip: FloatingBody });
const Floatings = z.object({ floating_ips: listOf(FloatingBody) });
const Pools = z.object({ floating_ip_pools: listOf(z.object({ name: z.string() })) });

/**
 * Floating addresses of Nova: nova-network's own, or its proxy to Neutron up to microversion 2.35. They keep no note, so
 * one whose creation lost its answer cannot be told from somebody else's.
 */
export class NovaFloatingIps implements FloatingSource {
  readonly keepsNotes = false;
  readonly #api: ApiCaller;
  readonly #pool: string | undefined;

  constructor(api: ApiCaller, pool: string | undefined) {
    this.#api = api;
    this.#pool = pool;
  }

  async list(signal: AbortSignal): Promise<readonly FloatingIp[]> {
    const { floating_ips } = await this.#api.call(
      {
        name: 'NovaFloatingIPList',
        service: 'compute',
        method: 'GET',
        path: '/os-floating-ips',
        repeatable: true,
        read: (answer) => parseBody(Floatings, answer),
      },
      signal,
    );
    return floating_ips.map(toFloatingIp);
  }

  findByNote(): Promise<readonly FloatingIp[]> {
    return Promise.resolve([]);
  }

  async bindNew(order: FloatingOrder, signal: AbortSignal): Promise<string> {
    const pool = this.#pool ?? (await this.#firstPool(signal));
    const call = { name: 'NovaFloatingIPCreate', service: 'compute', method: 'POST', repeatable: false } as const;
    const { floating_ip } = await this.#api.call(
      { ...call, path: '/os-floating-ips', body: { pool }, read: (answer) => parseBody(OneFloating, answer) },
      signal,
    );
    const floating = toFloatingIp(floating_ip);
    try {
      return await this.bind(floating, order, signal);
    } catch (error) {
      await this.remove(floating, signal); // nobody would know it
      throw error;
    }
  }

  async bind({ ip }: FloatingIp, { server, fixed }: FloatingOrder, signal: AbortSignal): Promise<string> {
    await this.#api.call(
      {
        name: 'NovaFloatingIPAttach',
        service: 'compute',
        method: 'POST',
        path: `/servers/${encodeURIComponent(server.id)}/action`,
        body: { addFloatingIp: { address: ip, fixed_address: fixed } },
        repeatable: true, // the address is this server's already
        read: () => undefined,
      },
      signal,
    );
    return ip;
  }

  listFreed(): Promise<readonly FloatingIp[]> {
    return Promise.resolve([]);
  }

  takeFreed(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async remove({ id }: Pick<FloatingIp, 'id'>, signal: AbortSignal): Promise<'gone'> {
    return await this.#api.call(
      {
        name: 'NovaFloatingIPDelete',
        service: 'compute',
        method: 'DELETE',
        path: `/os-floating-ips/${encodeURIComponent(id)}`,
        repeatable: true,
        accept: [404],
        read: () => 'gone' as const,
      },
      signal,
    );
  }

  async #firstPool(signal: AbortSignal): Promise<string> {
    const { floating_ip_pools } = await this.#api.call(
      {
        name: 'FloatingIPPoolList',
        service: 'compute',
        method: 'GET',
        path: '/os-floating-ip-pools',
        repeatable: true,
        read: (answer) => parseBody(Pools, answer),
      },
      signal,
    );
    const name = floating_ip_pools[0]?.name;
    if (name === undefined) throw new RequestRefusedError('The cloud has no pool of floating addresses');
    return name;
  }
}

function toFloatingIp(body: z.output<typeof FloatingBody>): FloatingIp {
  const serverId = body.instance_id ?? undefined;
  return definedOnly({ id: body.id, ip: body.ip, note: '', isBound: serverId !== undefined, serverId });
}
