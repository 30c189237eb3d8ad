import type { CloudProvider } from '../../provider/cloud-provider.ts';
import { parseOwner } from '../../provider/owner-metadata.ts';
import { renderAliens } from '../alien-table.ts';
import { type CommandStores, defineCommand } from '../command.ts';

export const alienList = defineCommand({
  name: 'alien-list',
  summary: 'List the servers in the clouds that no node has',
  positionals: [{ name: 'provider', summary: 'only this one', isOptional: true }],
  async run({ positionals }, context, signal) {
    const stores = await context.stores();
    const table = {
      header: ['Provider', 'Hostname', 'Server ID', 'IP'],
      provider: positionals['provider'],
      rowsOf: (cloud: CloudProvider) => alienServers(cloud, stores, signal),
    };
    return await renderAliens(table, context, signal);
  },
});

/** The cloud is listed before the tables: what is made meanwhile has its row already. */
async function alienServers(
  cloud: CloudProvider,
  { nodes, images }: CommandStores,
  signal: AbortSignal,
): Promise<readonly (readonly (string | undefined)[])[]> {
  const servers = await cloud.listServers(signal);
  const [nodeRows, imageRows] = await Promise.all([nodes.list(), images.list()]);
  const known = new Set([
    ...nodeRows.map(({ externalId }) => externalId),
    ...imageRows.map(({ serverExternalId }) => serverExternalId),
  ]);
  const attempts = new Set([...nodeRows, ...imageRows].map(({ attempt }) => attempt));
  return servers
    .filter(({ id }) => !known.has(id))
    .filter(({ metadata }) => {
      const attempt = parseOwner(metadata)?.attempt; // its create call is under way: the row will know it soon
      return attempt === undefined || !attempts.has(attempt);
    })
    .map((server) => [cloud.name, server.name, server.id, publicIpv4(server, cloud)]);
}

function publicIpv4(server: Parameters<CloudProvider['addressesOf']>[0], cloud: CloudProvider): string | undefined {
  const ip = cloud.addressesOf(server).public;
  return ip?.includes(':') === true ? undefined : ip;
}
