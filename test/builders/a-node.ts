import type { Node } from '../../src/node/node.ts';

/** A row of provider `fake-provider`, label `trusty` and target `fake-target`: building, nothing known yet. */
export function aNode(facts: Partial<Node> = {}): Node {
  return {
    id: 1,
    version: 1,
    provider: 'fake-provider',
    label: 'trusty',
    target: 'fake-target',
    state: 'building',
    stateChangedAt: new Date('2026-01-01T00:00:00Z'),
    ...facts,
  };
}

/** A node that is ready and in Jenkins, on server `server-ID` at 10.0.0.ID. */
export function aReadyNode(facts: Partial<Node> = {}): Node {
  const id = facts.id ?? 1;
  return aNode({
    id,
    version: 7,
    state: 'ready',
    hostname: `trusty-fake-provider-${id}.example.org`,
    nodename: `trusty-fake-provider-${id}`,
    externalId: `server-${id}`,
    ip: `10.0.0.${id}`,
    privateIp: `10.0.0.${id}`,
    attempt: `attempt-of-${id}`,
    registeredAt: new Date('2026-01-01T00:00:00Z'),
    ...facts,
  });
}
