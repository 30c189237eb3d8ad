import type { CloudNetworkConfig } from '../config/config.ts';
import type { ReachableAddresses, Server, ServerAddress } from '../provider/cloud-provider.ts';
import { definedOnly } from '../runtime/defined-only.ts';

export type AddressChoice = {
  /** The networks' roles of clouds.yaml. */
  readonly networks: readonly CloudNetworkConfig[];
  /** The fixed address is where to log in (clouds.yaml: `private`). */
  readonly private: boolean;
  readonly ipv6Preferred: boolean;
};

/**
 * Which of a server's addresses matter. Public: a floating address, else a fixed one on the default interface's network,
 * else on one that routes externally, else the first (upstream: shade's public_v4). IPv6 only where it is preferred.
 */
export function chooseAddresses(server: Server, choice: AddressChoice): ReachableAddresses {
  const v4 = server.addresses.filter((address) => address.version === 4);
  const fixed = pickFixed(v4, choice);
  const open = choice.private ? fixed : pickPublic(v4, choice);
  const v6 = pickPublic(server.addresses.filter(isUsableIpv6), choice);
  const reachable = choice.ipv6Preferred ? (v6 ?? open) : open;
  return definedOnly({ public: reachable, private: fixed ?? open, publicIpv6: v6 });
}

function pickPublic(addresses: readonly ServerAddress[], choice: AddressChoice): string | undefined {
  const networks = new Map(choice.networks.map((network) => [network.name, network]));
  return best(addresses, [
    (address) => address.kind === 'floating',
    (address) => networks.get(address.network)?.defaultInterface === true,
    (address) => networks.get(address.network)?.routesExternally === true,
    () => true,
  ]);
}

/** The inner one where a server has several: where floating addresses lead to, or at least not the one open to the world. */
function pickFixed(addresses: readonly ServerAddress[], choice: AddressChoice): string | undefined {
  const networks = new Map(choice.networks.map((network) => [network.name, network]));
  const fixed = addresses.filter((address) => address.kind === 'fixed');
  return best(fixed, [
    (address) => networks.get(address.network)?.natDestination === true,
    (address) => choice.private && networks.get(address.network)?.defaultInterface === true,
    (address) => networks.get(address.network)?.routesExternally === false,
    () => true,
  ]);
}

type Wish = (address: ServerAddress) => boolean;

/** The first address that grants the first wish that any grants. */
function best(addresses: readonly ServerAddress[], wishes: readonly Wish[]): string | undefined {
  for (const wish of wishes) {
    const found = addresses.find(wish);
    if (found !== undefined) return found.ip;
  }
  return undefined;
}

/** Link-local addresses (fe80::/10) lead nowhere. */
export function isUsableIpv6(address: ServerAddress): boolean {
  return address.version === 6 && !/^fe[89ab]/i.test(address.ip);
}
