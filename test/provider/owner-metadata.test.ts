import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMadeForNode, type Owner, ownerMetadata, parseOwner } from '../../src/provider/owner-metadata.ts';

const common = { provider: 'wmf', image: 'trusty', attempt: 'attempt-1', installation: 'installation-1' } as const;
const node: Owner = { ...common, kind: 'node', nodeId: 7, label: 'ci-trusty' };
const build: Owner = { ...common, kind: 'build', imageId: 3 };

describe('what a server of ours bears', () => {
  test('is upstream’s, the flat keys of 3.x, and our own', () => {
    expect(ownerMetadata({ ...node, nodepoolId: 'farm-1' })).toEqual({
      groups: '["wmf","trusty"]',
      nodepool: '{"provider_name":"wmf","node_id":7,"image_name":"trusty","nodepool_id":"farm-1"}',
      nodepool_provider_name: 'wmf',
      nodepool_image_name: 'trusty',
      nodepool_node_id: '7',
      nodepool_node_label: 'ci-trusty',
      nodepool_installation: 'installation-1',
      nodepool_attempt: 'attempt-1',
    });
  });

  test('names its image where it builds one', () => {
    expect(ownerMetadata(build)).toMatchObject({
      groups: '["wmf"]',
      nodepool: '{"provider_name":"wmf","snapshot_image_id":3}',
    });
  });

  test('is read back as it was written', () => {
    const { provider, attempt, installation } = common;

    expect(parseOwner(ownerMetadata(node))).toEqual({ provider, nodeId: 7, attempt, installation });
    expect(parseOwner(ownerMetadata(build))).toEqual({ provider, imageId: 3, attempt, installation });
    expect(parseOwner(ownerMetadata({ ...node, nodepoolId: 'farm-1' }))).toMatchObject({ nodepoolId: 'farm-1' });
  });
});

describe('a server is made for a node', () => {
  const owner = { installation: 'installation-1', nodeId: 7 };

  test('where our create call for that node wrote its metadata', () => {
    expect(isMadeForNode(ownerMetadata(node), owner)).toBe(true);
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ['another node', ownerMetadata({ ...node, nodeId: 77 })],
    ['the same node of another installation', ownerMetadata({ ...node, installation: 'installation-2' })],
    ['a node of upstream, that has no installation', { nodepool_node_id: '7' }],
    ['an image of that number', ownerMetadata({ ...build, imageId: 7 })],
    ['nobody', {}],
  ])('and not where it is that of %s', (_, metadata) => {
    expect(isMadeForNode(metadata, owner)).toBe(false);
  });
});

describe('a server of another Nodepool', () => {
  test.each([
    ['upstream 0.3', { nodepool: '{"provider_name": "wmf", "node_id": 7}' }, { provider: 'wmf', nodeId: 7 }],
    ['upstream 0.5', { nodepool: '{"provider_name": "wmf", "node_id": 7, "nodepool_id": "x"}' }, { nodepoolId: 'x' }],
    ['3.x', { nodepool_provider_name: 'wmf', nodepool_node_id: '0000000007' }, undefined],
    ['3.x with a short id', { nodepool_provider_name: 'wmf', nodepool_node_id: '7' }, { provider: 'wmf', nodeId: 7 }],
  ])('of %s is understood as far as it says', (_, metadata, expected) => {
    if (expected === undefined) expect(parseOwner(metadata)).toBeUndefined();
    else expect(parseOwner(metadata)).toMatchObject(expected);
  });
});

describe('a server of nobody, or of somebody unreadable, has no owner', () => {
  test.each([
    ['no metadata', {}],
    ['other metadata', { purpose: 'database' }],
    ['no JSON', { nodepool: 'provider_name=wmf' }],
    ['JSON that is no object', { nodepool: '[1, 2]' }],
    ['JSON null', { nodepool: 'null' }],
    ['no provider', { nodepool: '{"node_id": 7}' }],
    ['neither node nor image', { nodepool: '{"provider_name": "wmf"}' }],
    ['a node id of zero', { nodepool: '{"provider_name": "wmf", "node_id": 0}' }],
    ['a negative node id', { nodepool: '{"provider_name": "wmf", "node_id": -7}' }],
    ['half a node id', { nodepool: '{"provider_name": "wmf", "node_id": 7.5}' }],
    ['a node id in words', { nodepool: '{"provider_name": "wmf", "node_id": "seven"}' }],
    ['a provider that is no text', { nodepool: '{"provider_name": 5, "node_id": 7}' }],
  ])('%s', (_, metadata) => {
    expect(parseOwner(metadata)).toBeUndefined();
  });

  test('whatever others write there: reading it never fails', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.string(), (nodepool, id) => {
        const owner = parseOwner({ nodepool, nodepool_node_id: id, nodepool_provider_name: id });

        if (owner?.nodeId !== undefined) expect(Number.isInteger(owner.nodeId)).toBe(true);
        expect(owner === undefined || typeof owner.provider === 'string').toBe(true);
      }),
    );
  });
});
