import * as z from 'zod';
import type { CloudNetworkConfig, NetworkConfig } from '../config/config.ts';
import { RequestRefusedError } from '../provider/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ApiCaller } from './api-caller.ts';
import { parseBody } from './parse-body.ts';
import { Remembered } from './remembered.ts';
import { listOf } from '../runtime/list-of.ts';

const NeutronNetworks = z.object({
  networks: listOf(z.object({ id: z.string(), name: z.string(), 'router:external': z.boolean().nullish() })),
});
const NovaNetworks = z.object({ networks: listOf(z.object({ id: z.string(), label: z.string() })) });

/** `isExternal`: floating addresses may come from it (Neutron: router:external). */
type Network = { readonly id: string; readonly name: string; readonly isExternal: boolean };

export type NetworkChoice = {
  readonly provider: string;
  /** Of nodepool.yaml, in the order of the server's interfaces. */
  readonly networks: readonly NetworkConfig[];
  /** Of clouds.yaml: the default interface is used where nodepool.yaml names no network (upstream: shade). */
  readonly cloudNetworks: readonly CloudNetworkConfig[];
};

/** The networks that a provider's servers get. */
export class Networks {
  readonly #choice: NetworkChoice;
  readonly #list: Remembered<readonly Network[]>;

  /** @param closing ends a read under way */
  constructor(choice: NetworkChoice, deps: { readonly api: ApiCaller; readonly clock: Clock }, closing: AbortSignal) {
    this.#choice = choice;
    this.#list = new Remembered(() => readNetworks(deps.api, closing), deps.clock);
  }

  /**
   * Ids for the create call, names resolved. Empty: the cloud decides.
   * @throws {RequestRefusedError} there is no network of that name
   */
  async ids(signal: AbortSignal): Promise<readonly string[]> {
    const { networks, cloudNetworks } = this.#choice;
    const fallback = cloudNetworks.filter((network) => network.defaultInterface).slice(0, 1);
    const wanted = networks.length > 0 ? networks : fallback.map(({ name }): NetworkConfig => ({ name }));
    const ids: string[] = [];
    for (const network of wanted) ids.push(network.id ?? (await this.#idOf(network.name ?? '', signal)));
    return ids;
  }

  /** Names of the networks that lead outside. */
  async externalNames(signal: AbortSignal): Promise<readonly string[]> {
    const names = await this.#list.find(
      (list) => list.filter(({ isExternal }) => isExternal).map(({ name }) => name),
      signal,
    );
    return names ?? [];
  }

  /**
   * Where floating addresses come from: that network, else the first that leads outside.
   * @throws {RequestRefusedError} there is none
   */
  async floatingId(nameOrId: string | undefined, signal: AbortSignal): Promise<string> {
    if (nameOrId !== undefined) return await this.#idOf(nameOrId, signal);
    const found = await this.#list.find((list) => list.find(({ isExternal }) => isExternal), signal);
    if (found !== undefined) return found.id;
    throw new RequestRefusedError(`Provider "${this.#choice.provider}" has no network that leads outside`);
  }

  forget(): void {
    this.#list.forget();
  }

  async #idOf(nameOrId: string, signal: AbortSignal): Promise<string> {
    const found = await this.#list.find(
      (list) => list.find(({ name }) => name === nameOrId) ?? list.find(({ id }) => id === nameOrId),
      signal,
    );
    if (found !== undefined) return found.id;
    throw new RequestRefusedError(`Provider "${this.#choice.provider}" has no network "${nameOrId}"`);
  }
}

/** Clouds without Neutron (nova-network) name theirs through Nova. */
async function readNetworks(api: ApiCaller, signal: AbortSignal): Promise<readonly Network[]> {
  const call = { name: 'NetworkList', method: 'GET', repeatable: true } as const;
  if (await api.has('network', signal)) {
    const path = '/networks?fields=id&fields=name&fields=router:external';
    const answered = await api.call(
      { ...call, service: 'network', path, read: (answer) => parseBody(NeutronNetworks, answer) },
      signal,
    );
    return answered.networks.map(({ id, name, ...rest }) => ({
      id,
      name,
      isExternal: rest['router:external'] === true,
    }));
  }
  const { networks } = await api.call(
    { ...call, service: 'compute', path: '/os-tenant-networks', read: (answer) => parseBody(NovaNetworks, answer) },
    signal,
  );
  return networks.map(({ id, label }) => ({ id, name: label, isExternal: false }));
}
