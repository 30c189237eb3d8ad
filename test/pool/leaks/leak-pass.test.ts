import { describe, expect, test } from 'vitest';
import { TransientProviderError } from '../../../src/provider/errors.ts';
import { aReadyNode } from '../../builders/a-node.ts';
import { anImage } from '../../builders/an-image.ts';
import { INSTALLATION } from '../pool-bench.ts';
import { aBuildServer, aNodeServer, LeakBench, owned } from './leak-bench.ts';

describe('runLeakPass', () => {
  test('reaps a server whose row is gone when a second pass sees it too, and leaves those that rows have', async () => {
    const bench = new LeakBench({
      nodes: [aReadyNode({ id: 1 })],
      servers: [aNodeServer('server-1', 1), aNodeServer('leaked', 7)],
    });

    await bench.pass();
    const afterOne = bench.serverIds;
    await bench.clock.advance(60_000);
    await bench.pass();

    expect(afterOne).toEqual(['server-1', 'leaked']);
    expect(bench.serverIds).toEqual(['server-1']);
  });

  test('does not count two passes of one moment as two sightings', async () => {
    const bench = new LeakBench({ servers: [aNodeServer('leaked', 7)] });

    await bench.pass();
    await bench.pass();

    expect(bench.serverIds).toEqual(['leaked']);
  });

  test('spares a leaked server while a build runs on it, and takes its agent with it afterwards', async () => {
    const bench = new LeakBench({
      servers: [aNodeServer('leaked', 7)],
      agents: { agents: [{ nodename: 'trusty-fake-provider-7', busy: true }] },
    });

    await bench.passTwice();
    const whileBusy = bench.serverIds;
    bench.agents.endBuild('trusty-fake-provider-7');
    await bench.clock.advance(60_000);
    await bench.pass();

    expect(whileBusy).toEqual(['leaked']);
    expect(bench.serverIds).toEqual([]);
    expect(bench.agents.nodenames).toEqual([]);
    expect(bench.agents.killedBuilds).toEqual([]);
  });

  test('leaves the agent alone that a row of the same name has', async () => {
    const bench = new LeakBench({
      nodes: [aReadyNode({ id: 7 })],
      servers: [aNodeServer('server-7', 7), aNodeServer('duplicate', 7, { attempt: 'an earlier one' })],
      agents: { agents: ['trusty-fake-provider-7'] },
    });

    await bench.passTwice();

    expect(bench.serverIds).toEqual(['server-7']);
    expect(bench.agents.agent('trusty-fake-provider-7')).toMatchObject({ temporarilyOffline: false });
  });

  test('deletes nothing while Jenkins does not say whether a build runs', async () => {
    const bench = new LeakBench({ servers: [aNodeServer('leaked', 7)] });
    bench.agents.failNext('find', new TransientProviderError('Jenkins answers 503'), 9);

    await bench.passTwice();

    expect(bench.serverIds).toEqual(['leaked']);
    expect(bench.said).toContain(
      'Leaked trusty-fake-provider-7.example.org in fake-provider stays: Jenkins answers 503',
    );
  });

  test('takes the temporary keypair of a leaked build server, and never one that the operator made', async () => {
    const servers = [
      aBuildServer('one', 3, { keyName: 'template-trusty-3-3' }),
      aBuildServer('upstreams', 5, { keyName: 'template-trusty-5' }),
      aBuildServer('two', 4, { keyName: 'template-trusty-4' }),
    ];
    const bench = new LeakBench({ servers });
    for (const name of ['3-3', '4', '5']) bench.cloud.keypairs.set(`template-trusty-${name}`, '');
    bench.operatorKeypairs.add('template-trusty-4');

    await bench.passTwice();

    expect(bench.serverIds).toEqual([]);
    expect([...bench.cloud.keypairs.keys()]).toEqual(['template-trusty-4']);
  });

  test('with an empty or wrong database it deletes nothing and says what to do', async () => {
    const lost = Array.from({ length: 4 }, (_, index) => aNodeServer(`server-${index}`, 7 + index));
    const bench = new LeakBench({ servers: lost });

    await bench.passTwice();

    expect(bench.serverIds).toHaveLength(4);
    expect(bench.said).toContain('too many to delete at once, so none is');
    expect(bench.said).toContain('run "nodepool reap fake-provider --yes"');
  });

  test('reaps up to a tenth of a large provider', async () => {
    const { nodes, servers } = owned(36, (id) => aReadyNode({ id }));
    const lost = Array.from({ length: 4 }, (_, index) => aNodeServer(`leaked-${index}`, 7 + index));
    const bench = new LeakBench({ nodes, servers: [...servers, ...lost] });

    await bench.passTwice();

    expect(bench.serverIds).toHaveLength(36);
  });

  test('deletes a leaked image of ours', async () => {
    const bench = new LeakBench();
    const properties = {
      nodepool_provider_name: 'fake-provider',
      nodepool_snapshot_image_id: '99',
      nodepool_installation: INSTALLATION,
    };
    bench.cloud.images.add({ id: 'image-99', name: 'template-trusty-99', status: 'active', properties });

    await bench.passTwice();

    expect(bench.cloud.images.peekAll().map(({ id }) => id)).toEqual(['image-1']);
  });

  test('deletes the agents and keypairs of rows that are gone, and nobody else’s', async () => {
    const bench = new LeakBench({
      nodes: [aReadyNode({ id: 7 }), aReadyNode({ id: 8 })],
      agents: { agents: ['trusty-fake-provider-7', 'trusty-fake-provider-8', 'somebody-elses'] },
    });
    const build = anImage({ id: 3, hostname: 'template-trusty-3.example.org' });
    bench.images.put(build);
    for (const name of ['template-trusty-3', 'template-trusty-3-3', 'ada']) bench.cloud.keypairs.set(name, '');
    await bench.nodes.remove(bench.node(7), { who: 'cli:ada', why: 'forced' });
    await bench.images.remove(build, { who: 'cli:ada', why: 'forced' });

    await bench.passTwice();

    expect(bench.agents.nodenames).toEqual(['trusty-fake-provider-8', 'somebody-elses']);
    expect([...bench.cloud.keypairs.keys()]).toEqual(['ada']);
  });

  test('leaves an agent without node alone while a build runs on it', async () => {
    const bench = new LeakBench({
      nodes: [aReadyNode({ id: 7 })],
      agents: { agents: [{ nodename: 'trusty-fake-provider-7', busy: true }] },
    });
    await bench.nodes.remove(bench.node(7), { who: 'cli:ada', why: 'forced' });

    await bench.passTwice();

    expect(bench.agents.nodenames).toEqual(['trusty-fake-provider-7']);
    expect(bench.agents.killedBuilds).toEqual([]);
  });

  test('a provider that does not answer is reported, and the others are looked at', async () => {
    const bench = new LeakBench({ servers: [aNodeServer('leaked', 7)] });
    bench.cloud.failNext('listServers', new TransientProviderError('Nova answers 503'));

    await bench.pass();

    expect(bench.said).toContain('Cannot look for leaks in fake-provider: Nova answers 503');
    expect(bench.serverIds).toEqual(['leaked']);
  });
});
