import { BlockList, isIP } from 'node:net';
import type { ProviderConfig } from '../config/config.ts';
import type { Server, ServerAddress } from '../provider/cloud-provider.ts';
import { isUsableIpv6 } from './addresses.ts';

/** Addresses that lead nowhere from outside. Not loopback, where only machines of this very host answer: it needs no other. */
const INNER = new BlockList();
for (const [net, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
] as const) {
  INNER.addSubnet(net, prefix);
}

/** Of a server's interface: what the cloud itself says of its network. */
type IsExternal = (network: string) => boolean;

/**
 * Whether a server can be reached by none of its addresses, so that it needs a floating one where the cloud has them
 * (upstream: shade's needs_floating_ip). With a `pool` configured, an address that is merely reachable from the cloud's
 * default interface does not do.
 */
export function lacksOpenAddress(server: Server, provider: ProviderConfig, isExternal: IsExternal): boolean {
  const { cloud, pool, ipv6Preferred } = provider;
  if (cloud.private) return false;
  if (ipv6Preferred && server.addresses.some(isUsableIpv6)) return false;
  const v4 = server.addresses.filter(({ version }) => version === 4);
  const roles = new Map(cloud.networks.map((network) => [network.name, network]));
  const isOpen = ({ kind, network, ip }: ServerAddress): boolean => {
    if (kind === 'floating' || isExternal(network)) return true;
    const role = roles.get(network);
    if (role?.routesExternally === true) return true;
    return pool === undefined && (role?.defaultInterface === true || !isInner(ip));
  };
  return v4.length > 0 && !v4.some(isOpen);
}

function isInner(ip: string): boolean {
  return isIP(ip) === 4 && INNER.check(ip);
}
