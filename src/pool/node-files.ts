import type { ProviderConfig } from '../config/config.ts';
import type { Node } from '../node/node.ts';
import type { KeyPair } from '../provider/remote-machine.ts';

/** Those that only the account which logs in may read. */
export const PRIVATE_FILES: ReadonlySet<string> = new Set(['id_rsa']);

/** The files under /etc/nodepool of a machine, by name (upstream: writeNodepoolInfo). Every line ends in a newline. */
export function nodeFiles(
  machine: { readonly node: Node; readonly provider: ProviderConfig; readonly serverId: string },
  keyPair: KeyPair,
): ReadonlyMap<string, string> {
  const { node, provider, serverId } = machine;
  const ip = node.ip ?? '';
  const privateIp = node.privateIp ?? ip;
  const providerLines = [
    `NODEPOOL_PROVIDER=${provider.name}`,
    `NODEPOOL_CLOUD=${provider.cloud.name}`,
    `NODEPOOL_REGION=${provider.cloud.regionName ?? ''}`,
    `NODEPOOL_AZ=${node.az ?? ''}`,
  ];
  return new Map([
    ['role', 'primary\n'],
    ['node', `${ip}\n`],
    ['node_private', `${privateIp}\n`],
    ['primary_node', `${ip}\n`],
    ['primary_node_private', `${privateIp}\n`],
    ['sub_nodes', ''],
    ['sub_nodes_private', ''],
    ['id_rsa', `${keyPair.privateKey.reveal().trimEnd()}\n`],
    ['id_rsa.pub', `${keyPair.publicKey.trimEnd()}\n`],
    ['provider', `${providerLines.join('\n')}\n`],
    ['uuid', `${serverId}\n`],
  ]);
}
