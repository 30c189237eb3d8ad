import { describe, expect, test } from 'vitest';
import type { SnapshotImage } from '../../../src/image/snapshot-image.ts';
import type { Node } from '../../../src/node/node.ts';
import type { Server } from '../../../src/provider/cloud-provider.ts';
import { findLeakedImages, findLeakedServers } from '../../../src/pool/leaks/find-leaks.ts';
import { reapLimit } from '../../../src/pool/leaks/reap-limit.ts';
import { aNode, aReadyNode } from '../../builders/a-node.ts';
import { anImage } from '../../builders/an-image.ts';
import { aServer } from '../../fakes/fake-cloud.ts';
import { INSTALLATION } from '../pool-bench.ts';
import { aBuildServer, aNodeServer } from './leak-bench.ts';

const OWNERSHIP = { provider: 'fake-provider', installationId: INSTALLATION, nodepoolId: 'farm-a' };

function leaked(server: Server, rows: { nodes?: readonly Node[]; images?: readonly SnapshotImage[] } = {}): string {
  const { nodes = [], images = [] } = rows;
  const known = {
    nodes: new Map(nodes.map((node) => [node.id, node])),
    images: new Map(images.map((image) => [image.id, image])),
  };
  return findLeakedServers([server], known, OWNERSHIP)[0]?.why ?? 'not leaked';
}

/** As upstream wrote it: neither attempt nor installation. */
function upstreamServer(nodepoolId?: string): Server {
  const nodepool = { provider_name: 'fake-provider', node_id: 7, image_name: 'trusty', nodepool_id: nodepoolId };
  return aServer('server-7', { metadata: { nodepool: JSON.stringify(nodepool) } });
}

describe('findLeakedServers', () => {
  test.each<[string, string, Server, readonly Node[]]>([
    ['its row is gone', 'There is no node 7', aNodeServer('server-7', 7), []],
    ['its node has another server', 'Node 7 has another server', aNodeServer('x', 7), [aReadyNode({ id: 7 })]],
    [
      'its node is in another provider, as after a restored database',
      'Node 7 is in provider other',
      aNodeServer('server-7', 7),
      [aReadyNode({ id: 7, provider: 'other' })],
    ],
    ['upstream made it with our nodepool-id', 'There is no node 7', upstreamServer('farm-a'), []],
    ['its node has it', 'not leaked', aNodeServer('server-7', 7), [aReadyNode({ id: 7 })]],
    ['its node still launches: the answer may be on its way', 'not leaked', aNodeServer('x', 7), [aNode({ id: 7 })]],
    [
      'its node is being deleted, which looks for strays itself',
      'not leaked',
      aNodeServer('x', 7),
      [aReadyNode({ id: 7, state: 'delete' })],
    ],
    ['it is on its way out', 'not leaked', aNodeServer('server-7', 7, { status: 'DELETED' }), []],
    ['another installation made it', 'not leaked', aNodeServer('server-7', 7, { installation: 'another' }), []],
    ['another provider of ours made it', 'not leaked', aNodeServer('server-7', 7, { provider: 'other' }), []],
    ['upstream made it without an id', 'not leaked', upstreamServer(), []],
    ['upstream made it with the id of another farm', 'not leaked', upstreamServer('farm-b'), []],
    ['no Nodepool made it', 'not leaked', aServer('server-7'), []],
    [
      'its metadata is torn',
      'not leaked',
      aServer('server-7', { metadata: { nodepool: '{"provider_name": "fak' } }),
      [],
    ],
  ])('%s: %s', (...[, verdict, server, nodes]) => {
    expect(leaked(server, { nodes })).toBe(verdict);
  });

  test.each<[string, string, readonly SnapshotImage[]]>([
    ['the image has no row', 'There is no image 3', []],
    ['the image is long built (upstream keeps that server for ever)', 'Image 3 is built', [anImage({ id: 3 })]],
    ['the image is being built', 'not leaked', [anImage({ id: 3, state: 'building' })]],
    ['the row still names it', 'not leaked', [anImage({ id: 3, serverExternalId: 'build-3' })]],
  ])('a build server of which %s: %s', (_, verdict, images) => {
    expect(leaked(aBuildServer('build-3', 3), { images })).toBe(verdict);
  });
});

describe('findLeakedImages', () => {
  const marks = {
    nodepool_provider_name: 'fake-provider',
    nodepool_snapshot_image_id: '3',
    nodepool_installation: INSTALLATION,
  };

  const { nodepool_snapshot_image_id: id, ...others } = marks;
  const upload = { ...others, nodepool_upload_id: id, nodepool_build_id: '9' };

  test.each<[string, number, Record<string, string>, readonly SnapshotImage[]]>([
    ['its row is gone', 1, marks, []],
    ['the row of its upload is gone', 1, upload, []],
    ['its upload is under way', 0, upload, [anImage({ id: 3, state: 'building', dibImageId: 9 })]],
    ['it is half of an upload that was done again', 1, upload, [anImage({ id: 3, externalId: 'whole' })]],
    ['its row has another', 1, marks, [anImage({ id: 3, externalId: 'another' })]],
    ['its row has it', 0, marks, [anImage({ id: 3, externalId: 'image' })]],
    ['its row is being built', 0, marks, [anImage({ id: 3, state: 'building' })]],
    ['another installation saved it', 0, { ...marks, nodepool_installation: 'another' }, []],
    ['it is an operator’s', 0, {}, []],
    ['its id is no number', 0, { ...marks, nodepool_snapshot_image_id: 'three' }, []],
  ])('%s', (...[, count, properties, images]) => {
    const rows = { nodes: new Map<number, Node>(), images: new Map(images.map((image) => [image.id, image])) };

    const found = findLeakedImages([{ id: 'image', name: 'i', status: 'active', properties }], rows, OWNERSHIP);

    expect(found).toHaveLength(count);
  });
});

test.each([
  [0, 3],
  [29, 3],
  [40, 4],
  [1000, 100],
])('of %i servers of ours one pass may reap %i', (ownedServers, limit) => {
  expect(reapLimit(ownedServers)).toBe(limit);
});
