import { describe, expect, test } from 'vitest';
import { launchNode } from '../../src/pool/launch-node.ts';
import { parseOwner } from '../../src/provider/owner-metadata.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { aJenkins, aLabel, aProvider, aTarget } from '../builders/a-config.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { Life } from './life.ts';
import { passTime } from './pass-time.ts';
import { INSTALLATION, PoolBench } from './pool-bench.ts';

describe('launchNode', () => {
  test('takes a building node to ready and then makes it an agent, since Jenkins may use it at once', async () => {
    const bench = new PoolBench();
    const life = new Life();
    bench.wrap = life.wrap;

    const end = await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    expect(end).toBe('ready');
    expect(bench.node()).toMatchObject({
      state: 'ready',
      externalId: 'server-1',
      ip: '10.0.0.1',
      privateIp: '10.0.0.1',
      hostname: 'trusty-fake-provider-1.example.org',
      nodename: 'trusty-fake-provider-1',
      imageId: 1,
      hostKey: 'sha256:key-of-10.0.0.1',
      registeredAt: bench.clock.now(),
    });
    expect(bench.agents.agent('trusty-fake-provider-1')).toMatchObject({
      host: '10.0.0.1',
      description: 'Dynamic single use trusty node',
      labels: ['trusty', 'trusty-fake-provider-1'],
    });
    expect(bench.log.messages('info')).toEqual(
      expect.arrayContaining(['Node id: 1 is ready', 'Node id: 1 added to jenkins']),
    );
    expect(bench.metrics.launches).toEqual([{ node: 1, outcome: 'ready', ms: 0 }]);
  });

  test('stores the server before it waits, ready before it registers, the registration last', async () => {
    const bench = new PoolBench();
    const life = new Life();
    bench.wrap = life.wrap;

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    const order = life.calls.filter((name) => name !== 'writeFile');
    expect(order.slice(order.indexOf('createServer'))).toEqual([
      ...['createServer', 'record', 'nextServerList', 'nextServerList', 'makeReachable', 'record'],
      ...['open', 'record', 'run', 'apply', 'claim', 'ensure', 'record'],
    ]);
    expect(order.slice(0, order.indexOf('createServer'))).toEqual(['list', 'record', 'record']);
  });

  test('names itself in the metadata of the create call, so that the server has an owner from its first instant', async () => {
    const bench = new PoolBench();

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    const [server] = bench.cloud.servers.peekAll();
    expect(parseOwner(server?.metadata ?? {})).toEqual({
      provider: 'fake-provider',
      nodeId: 1,
      attempt: bench.node().attempt,
      installation: INSTALLATION,
    });
  });

  test('writes the node files before the ready script runs, and runs it with the NODEPOOL variables', async () => {
    const bench = new PoolBench({ config: { labels: [aLabel({ readyScript: 'ready.sh' })] } });

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    const machine = bench.machines.machine('10.0.0.1');
    expect(machine.commands).toEqual([
      'ls /etc/nodepool',
      "cd /opt/nodepool-scripts && NODEPOOL_SSH_KEY='AAAA' './ready.sh' 'trusty-fake-provider-1.example.org'",
    ]);
    expect(machine.files.get('/etc/nodepool/role')).toBe('primary\n');
    expect(machine.files.get('/etc/nodepool/uuid')).toBe('server-1\n');
    expect(machine.files).toHaveLength(11);
    expect(machine.openSessions).toBe(0);
  });

  test('logs each line of the ready script', async () => {
    const bench = new PoolBench({ config: { labels: [aLabel({ readyScript: 'ready.sh' })] } });
    bench.machines.machine('10.0.0.1').results.set('ready.sh', { lines: ['one', 'two'] });

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    expect(bench.log.messages('debug')).toEqual(
      expect.arrayContaining(['Node id: 1 ready script: one', 'Node id: 1 ready script: two']),
    );
  });

  test('takes a node with a test job to test, registers it without its label, and starts the job', async () => {
    const config = { targets: [aTarget({ jenkins: aJenkins({ testJob: 'acceptance' }) })] };
    const bench = new PoolBench({ config });

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    expect(bench.node().state).toBe('test');
    expect(bench.agents.agent('trusty-fake-provider-1').labels).toEqual(['trusty-fake-provider-1']);
    expect(bench.agents.testJobs).toEqual([{ job: 'acceptance', nodename: 'trusty-fake-provider-1' }]);
  });

  test('leaves out Jenkins where the target has none', async () => {
    const target = definedOnly({ ...aTarget(), jenkins: undefined });
    const bench = new PoolBench({ config: { targets: [target] } });

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    expect(bench.node().state).toBe('ready');
    expect(bench.agents.calls).toEqual([]);
  });

  test('chooses one of the configured zones, and keeps the zone that the cloud says', async () => {
    const bench = new PoolBench({ config: { providers: [aProvider({ availabilityZones: ['az1', 'az2'] })] } });
    bench.randomness.nextFraction = 0.7;

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    expect(bench.node().az).toBe('az2');
    expect(bench.machines.machine('10.0.0.1').files.get('/etc/nodepool/provider')).toBe(
      'NODEPOOL_PROVIDER=fake-provider\nNODEPOOL_CLOUD=fake-cloud\nNODEPOOL_REGION=region-1\nNODEPOOL_AZ=az2\n',
    );
  });

  test('reports the time until SSH answered, for what follows is not the cloud’s', async () => {
    const bench = new PoolBench({ config: { labels: [aLabel({ readyScript: 'ready.sh' })] }, slow: true });
    bench.machines.machine('10.0.0.1').refusals = 2;
    bench.machines.machine('10.0.0.1').results.set('ready.sh', { lines: ['a'] });

    const launched = launchNode(bench.launch(), bench.launchDeps(), neverAborted);
    await passTime(bench.clock, 4_600);
    await launched;

    expect(bench.metrics.launches).toEqual([{ node: 1, outcome: 'ready', ms: 4_600 }]);
  });

  test('stays ready when Jenkins is away at its registration, which a later pass mends', async () => {
    const bench = new PoolBench();
    bench.agents.failNext('ensure', new Error('Jenkins is away'));

    const end = await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

    expect(end).toBe('ready');
    expect(bench.node()).toMatchObject({ state: 'ready' });
    expect(bench.node().registeredAt).toBeUndefined();
    expect(bench.log.messages('warn')).toEqual(['Node id: 1 could not be added to jenkins yet']);
  });
});
