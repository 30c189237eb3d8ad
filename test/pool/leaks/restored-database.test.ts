import { describe, expect, test } from 'vitest';
import { endDoubledLaunches } from '../../../src/pool/leaks/end-doubled-launches.ts';
import { greatestIds } from '../../../src/pool/leaks/raise-ids.ts';
import type { CloudImage } from '../../../src/provider/cloud-provider.ts';
import { aNode, aReadyNode } from '../../builders/a-node.ts';
import { anImage } from '../../builders/an-image.ts';
import { aPort, aServer } from '../../fakes/fake-cloud.ts';
import { INSTALLATION } from '../pool-bench.ts';
import { aBuildServer, aNodeServer, LeakBench } from './leak-bench.ts';

const ANOTHER = '22222222-2222-4222-8222-222222222222';

function aCloudImage(id: number, installation = INSTALLATION): CloudImage {
  const properties = {
    nodepool_provider_name: 'fake-provider',
    nodepool_snapshot_image_id: String(id),
    nodepool_installation: installation,
  };
  return { id: `cloud-image-${id}`, name: `template-${id}`, status: 'active', properties };
}

describe('greatestIds', () => {
  test('are those of nodes and images that something of this installation bears, whatever its provider is called', () => {
    const servers = [aNodeServer('a', 7), aNodeServer('b', 12, { provider: 'renamed' }), aBuildServer('c', 3)];

    expect(greatestIds(servers, [aCloudImage(9)], INSTALLATION)).toEqual({ node: 12, image: 9, 'dib-image': 0 });
  });

  test('are those of uploads and of their builds too, whose files have their names', () => {
    const properties = { nodepool_installation: INSTALLATION, nodepool_upload_id: '8', nodepool_build_id: '31' };
    const image = { ...aCloudImage(1), properties };

    expect(greatestIds([], [image], INSTALLATION)).toEqual({ node: 0, image: 8, 'dib-image': 31 });
  });

  test('do not count what others made, nor what is torn', () => {
    const servers = [
      aNodeServer('theirs', 99, { installation: ANOTHER }),
      aServer('torn', { metadata: { nodepool_installation: INSTALLATION, nodepool: '{"node_id": 5' } }),
      aServer('huge', {
        metadata: { ...aNodeServer('x', 1).metadata, nodepool: '{"provider_name":"p","node_id":4294967296}' },
      }),
    ];
    const torn = { ...aCloudImage(1), properties: { ...aCloudImage(1).properties, nodepool_snapshot_image_id: 'x' } };

    expect(greatestIds(servers, [aCloudImage(99, ANOTHER), torn], INSTALLATION)).toEqual({
      node: 0,
      image: 0,
      'dib-image': 0,
    });
  });
});

describe('a leak pass on a database that is older than the cloud', () => {
  test('lets ids go on above all that live there', async () => {
    const bench = new LeakBench({ servers: [aNodeServer('leaked', 5007)] });
    bench.cloud.images.add(aCloudImage(140));

    await bench.pass();

    expect(bench.ids.last).toMatchObject({ node: 6007, image: 1140 });
    expect(bench.said).toContain(
      'The database is older than the clouds, which hold something of node 5007: ids go on above 6007. ' +
        'Was it restored from a backup?',
    );
  });

  test('goes on where an id is beyond all reason', async () => {
    const bench = new LeakBench({ servers: [aNodeServer('leaked', 2_000_000_000)] });
    bench.ids.raiseAbove = () => Promise.reject(new RangeError('Cannot skip 1999995000 ids of table "node"'));

    await bench.passTwice();

    expect(bench.said).toContain('The metadata of node 2000000000 in the clouds is wrong: Cannot skip');
    expect(bench.serverIds).toEqual([]);
  });
});

test('with an empty or wrong database, which has another id, nothing of the farm is touched, however often it looks', async () => {
  const servers = Array.from({ length: 3 }, (_, index) => aNodeServer(`server-${index}`, 7 + index));
  const agents = servers.map(({ name }) => name.split('.')[0] ?? '');
  const bench = new LeakBench({
    servers: [...servers, aBuildServer('build', 3, { keyName: 'template-trusty-3' })],
    agents: { agents },
  });
  bench.cloud.images.add(aCloudImage(9));
  bench.cloud.keypairs.set('template-trusty-3', '');
  bench.cloud.leftPorts.set('left', aPort('server-6', { id: 'left' }));
  bench.installationId = ANOTHER;

  for (let look = 0; look < 5; look += 1) await bench.passTwice();

  expect(bench.serverIds).toEqual(['server-0', 'server-1', 'server-2', 'build']);
  expect(bench.cloud.images.peekAll().map(({ id }) => id)).toEqual(['image-1', 'cloud-image-9']);
  expect([...bench.cloud.keypairs.keys(), ...bench.cloud.leftPorts.keys()]).toEqual(['template-trusty-3', 'left']);
  expect(bench.agents.nodenames).toEqual(agents);
  expect(agents.map((name) => bench.agents.agent(name).temporarilyOffline)).toEqual([false, false, false]);
  expect(bench.ids.last).toMatchObject({ node: 5000, image: 100 });
  expect(bench.log.messages('warn')).toEqual([]);
});

describe('endDoubledLaunches', () => {
  test('ends a launch that asked for no server and has one: its backup is from before it asked', async () => {
    const nodes = [aNode({ id: 7 }), aNode({ id: 8 }), aNode({ id: 9, attempt: 'attempt-9' }), aReadyNode({ id: 10 })];
    const bench = new LeakBench({ nodes });
    bench.images.put(anImage());
    const servers = [
      ...[aNodeServer('seven', 7), aNodeServer('nine', 9), aNodeServer('ten', 10)],
      aNodeServer('theirs', 8, { installation: ANOTHER }),
    ];

    await endDoubledLaunches('fake-provider', servers, {
      nodes: bench.nodes,
      installationId: INSTALLATION,
      log: bench.log,
    });

    expect(bench.nodes.all().map(({ id, state }) => `${id} ${state}`)).toEqual([
      ...['7 delete', '8 building', '9 building', '10 ready'],
    ]);
    expect(bench.said).toContain('Launch of node id: 7 ends here: Its server seven is there');
  });
});
