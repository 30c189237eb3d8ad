import type { Node } from '../../src/node/node.ts';
import type { Server } from '../../src/provider/cloud-provider.ts';
import { ownerMetadata } from '../../src/provider/owner-metadata.ts';
import { aReadyNode } from '../builders/a-node.ts';
import { aServer } from '../fakes/fake-cloud.ts';
import { INSTALLATION, PoolBench, type PoolBenchOptions } from './pool-bench.ts';

/** A server whose metadata names a node of ours; ACTIVE. */
export function serverOf(nodeId: number, facts: Partial<Server> & { readonly id: string }): Server {
  const owner = { kind: 'node', nodeId, label: 'trusty', provider: 'fake-provider', image: 'trusty' } as const;
  const metadata = ownerMetadata({ ...owner, attempt: `attempt-of-${nodeId}`, installation: INSTALLATION });
  return aServer(facts.id, { metadata, ...facts });
}

/** A farm whose nodes (ready unless told otherwise) have their servers and, where they are registered, their agents. */
export function benchWithNodes(facts: readonly Partial<Node>[], options: PoolBenchOptions = {}): PoolBench {
  const nodes = facts.map((each, index) => aReadyNode({ id: index + 1, ...each }));
  const servers = nodes.flatMap(({ id, externalId }) => (externalId ? [serverOf(id, { id: externalId })] : []));
  const bench = new PoolBench({ nodes, ...options, cloud: { servers, ...options.cloud } });
  for (const { nodename, registeredAt, label, ip } of nodes) {
    if (nodename === undefined || registeredAt === undefined) continue;
    bench.agents.add({ nodename, labels: [label, nodename], host: ip ?? '' });
  }
  return bench;
}

/** The nodename of `aReadyNode({ id })`. */
export function nameOf(id: number): string {
  return `trusty-fake-provider-${id}`;
}
