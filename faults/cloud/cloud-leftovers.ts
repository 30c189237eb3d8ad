import type { Node } from '../../src/node/node.ts';
import type { CloudFaultFarm } from './cloud-fault-farm.ts';
import { type CloudContents, isForeign } from './cloud-peer.ts';

/** What in the clouds has no owner, and rows whose server is not there; a line for each. */
export async function findCloudLeftovers({
  parts,
  rows,
}: Pick<CloudFaultFarm, 'parts'> & { readonly rows: readonly Node[] }): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const name of ['sick', 'well'] as const) {
    const contents = await parts[name].contents();
    const ofProvider = rows.filter(({ provider }) => provider === name);
    lines.push(...compare(contents, ofProvider).map((line) => `${name}: ${line}`));
  }
  return lines;
}

function compare(contents: CloudContents, rows: readonly Node[]): readonly string[] {
  const { servers, ports, floating_ips: floatingIps, keypairs } = contents;
  const known = new Set(rows.map(({ externalId }) => externalId));
  const living = new Map(servers.map((server) => [server.id, server]));
  const addresses = new Set(rows.map(({ ip }) => ip));
  const bound = new Set(ports.map(({ id }) => id));
  return [
    ...servers
      .filter(({ id, name }) => !known.has(id) && !isForeign(name))
      .map(({ name, status }) => `server ${name} (${status}) has no row`),
    ...rows
      .filter(({ externalId }) => living.get(externalId ?? '')?.status !== 'ACTIVE')
      .map(({ id, state }) => `node ${id} in ${state} has no server`),
    ...ports.filter(({ device_id: device }) => !living.has(device)).map(({ id }) => `port ${id} has no server`),
    ...floatingIps
      .filter(({ address, port_id: port }) => !addresses.has(address) || port === null || !bound.has(port))
      .map(({ address }) => `floating address ${address} has no node`),
    ...keypairs.map((name) => `keypair ${name} has no build`),
  ];
}
