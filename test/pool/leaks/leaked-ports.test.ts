import { describe, expect, test } from 'vitest';
import type { Port } from '../../../src/provider/cloud-provider.ts';
import { TransientProviderError } from '../../../src/provider/errors.ts';
import { aReadyNode } from '../../builders/a-node.ts';
import { aPort } from '../../fakes/fake-cloud.ts';
import { aNodeServer, LeakBench } from './leak-bench.ts';

const GONE = { who: 'deleter', why: 'Its agent and its server are gone' };

/** A farm whose nodes 7, 8, … were used and are gone, with what their servers left. */
async function afterNodes(ids: readonly number[], left: readonly Port[]): Promise<LeakBench> {
  const bench = new LeakBench({ nodes: ids.map((id) => aReadyNode({ id })) });
  for (const node of bench.nodes.all()) await bench.nodes.remove(node, GONE);
  for (const port of left) bench.cloud.leftPorts.set(port.id, port);
  return bench;
}

const portIds = (bench: LeakBench): readonly string[] => [...bench.cloud.leftPorts.keys()];

describe('ports that servers left behind', () => {
  test('are deleted when a second pass sees them too', async () => {
    const bench = await afterNodes([7], [aPort('server-7')]);

    await bench.pass();
    const afterOne = portIds(bench);
    await bench.clock.advance(60_000);
    await bench.pass();

    expect(afterOne).toEqual(['port-of-server-7']);
    expect(portIds(bench)).toEqual([]);
    expect(bench.said).toContain('Deleting leaked port port-of-server-7 in fake-provider: Its server server-7 is gone');
    expect(bench.metrics.leaks.get('fake-provider')).toEqual({ servers: 0, ports: 1 });
  });

  test.each<[string, Port]>([
    ['a server that we never had', aPort('somebody-elses')],
    ['a router', aPort('server-7', { deviceOwner: 'network:router_interface' })],
    ['nothing: somebody keeps it for later', aPort('', { deviceOwner: '' })],
    ['a server of ours, but somebody made and named it', aPort('server-7', { name: 'kept' })],
  ])('are not those of %s', async (_, port) => {
    const bench = await afterNodes([7], [port]);

    await bench.passTwice();

    expect(portIds(bench)).toEqual([port.id]);
  });

  test('are not those whose server is there, though it is shut off and its port is DOWN', async () => {
    const bench = new LeakBench({
      nodes: [aReadyNode({ id: 1 })],
      servers: [aNodeServer('server-1', 1, { status: 'SHUTOFF' })],
    });
    bench.cloud.leftPorts.set('down', aPort('server-1', { id: 'down' }));

    await bench.passTwice();

    expect(portIds(bench)).toEqual(['down']);
  });

  test('stay when only the list misses their server', async () => {
    const bench = await afterNodes([7], [aPort('server-7')]);
    bench.cloud.servers.add(aNodeServer('server-7', 7));
    bench.cloud.listServers = () => Promise.resolve([]);

    await bench.passTwice();

    expect(portIds(bench)).toEqual(['port-of-server-7']);
    expect(bench.said).toContain('Leaked port port-of-server-7 in fake-provider stays: its server is there');
  });

  test('are known by a row too, whose server somebody deleted', async () => {
    const bench = new LeakBench({ nodes: [aReadyNode({ id: 1, state: 'hold' })] });
    bench.cloud.leftPorts.set('left', aPort('server-1', { id: 'left' }));

    await bench.passTwice();

    expect(portIds(bench)).toEqual([]);
  });

  test('of a leaked server, which no row ever knew, go as well', async () => {
    const bench = new LeakBench({ servers: [aNodeServer('stray', 7)] });
    await bench.passTwice();
    bench.cloud.leftPorts.set('left', aPort('stray', { id: 'left' }));

    await bench.passTwice();

    expect(bench.serverIds).toEqual([]);
    expect(portIds(bench)).toEqual([]);
    expect(bench.history.all().map(({ event, why }) => `${event}: ${why}`)).toEqual([
      'reaped: Leaked server stray: There is no node 7',
    ]);
  });

  test('are too many to delete at once above the limit, which keeps no leaked server', async () => {
    const ids = [7, 8, 9, 10];
    const bench = await afterNodes(
      ids,
      ids.map((id) => aPort(`server-${id}`)),
    );
    bench.cloud.servers.add(aNodeServer('leaked', 77));

    await bench.passTwice();

    expect(portIds(bench)).toHaveLength(4);
    expect(bench.serverIds).toEqual([]);
    expect(bench.said).toContain('fake-provider holds 4 ports that servers of ours left: too many to delete at once');
  });

  test('that cannot be listed keep nobody from looking at the servers', async () => {
    const bench = new LeakBench({ servers: [aNodeServer('leaked', 7)] });
    bench.cloud.failNext('listPorts', new TransientProviderError('Neutron answers 503'), 2);

    await bench.passTwice();

    expect(bench.said).toContain('Cannot list the ports of fake-provider: Neutron answers 503');
    expect(bench.serverIds).toEqual([]);
  });
});
