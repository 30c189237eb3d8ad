import { describe, expect, test } from 'vitest';
import { imageKey, labelKey, providerKey } from '../../src/pool/launch-breakers.ts';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { RequestRefusedError } from '../../src/provider/errors.ts';
import { DatabaseUnavailableError } from '../../src/runtime/errors.ts';
import { aLabel } from '../builders/a-config.ts';
import { aNode } from '../builders/a-node.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { letWorkGoOn, passTime } from './pass-time.ts';
import { settlePool } from './settle-pool.ts';
import { PoolBench, type PoolBenchOptions, type PoolProcess } from './pool-bench.ts';

function benchOf(count: number, options: PoolBenchOptions = {}): PoolBench {
  return new PoolBench({ nodes: Array.from({ length: count }, (_, n) => aNode({ id: n + 1 })), ...options });
}

async function pass({ launchPass }: PoolProcess): Promise<void> {
  await runLaunchPass(launchPass, neverAborted);
  await launchPass.launches.settled();
}

describe('the launch pass', () => {
  test('launches each node that is building, and no other', async () => {
    const bench = benchOf(3);
    bench.nodes.put({ ...bench.node(2), state: 'hold' });

    await pass(bench.startProcess());

    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['ready', 'hold', 'ready']);
    expect(bench.cloud.servers.size).toBe(2);
  });

  test('starts no second launch of a node, however often it runs', async () => {
    const bench = benchOf(1, { slow: true });
    const { launchPass } = bench.startProcess();

    await runLaunchPass(launchPass, neverAborted);
    await letWorkGoOn();
    await runLaunchPass(launchPass, neverAborted);
    await passTime(bench.clock, 2_000);

    expect(bench.cloud.calls.filter((call) => call === 'createServer')).toHaveLength(1);
    expect(bench.node().state).toBe('ready');
  });

  test('gives up a node of a label that is not configured any more', async () => {
    const bench = benchOf(1, { config: { labels: [aLabel({ name: 'other' })] } });

    await pass(bench.startProcess());

    expect(bench.node().state).toBe('delete');
    expect(bench.history.all()).toMatchObject([
      { event: 'launchFailed', why: 'Its label, provider, image or target is no longer configured' },
    ]);
    expect(bench.cloud.calls).toEqual([]);
  });

  test('does nothing for a node that was deleted while it waited for its turn', async () => {
    const bench = benchOf(1);
    const { launchPass } = bench.startProcess();
    const started = runLaunchPass(launchPass, neverAborted);
    await bench.nodes.apply(bench.node(), 'deleted', { who: 'cli:root', why: 'test' });

    await started;
    await launchPass.launches.settled();

    expect(bench.cloud.calls).toEqual([]);
    expect(bench.log.messages('error')).toEqual([]);
  });

  test('leaves the row for a later pass where the database is away', async () => {
    const bench = benchOf(1);
    const process = bench.startProcess();
    const record = bench.nodes.record.bind(bench.nodes);
    bench.nodes.record = () => Promise.reject(new DatabaseUnavailableError('The database is away'));
    await pass(process);
    expect(bench.node().state).toBe('building');

    bench.nodes.record = record;
    await pass(process);

    expect(bench.node().state).toBe('ready');
    expect(process.launchPass.breakers.listOpen()).toEqual([]);
  });
});

describe('failures', () => {
  test('of the cloud pause the provider after the third', async () => {
    const bench = benchOf(3);
    const { launchPass } = bench.startProcess();
    for (let n = 0; n < 3; n += 1) bench.cloud.failNextBoot('No valid host was found');

    await pass({ ...bench.startProcess(), launchPass });

    expect(launchPass.breakers.isOpen(providerKey('fake-provider'))).toBe(true);
    expect(bench.log.messages('warn')).toContain(
      'Launches of provider fake-provider pause for 15 s after repeated failures',
    );
  });

  test('of requests pause the image in that provider only', async () => {
    const bench = benchOf(3);
    const { launchPass } = bench.startProcess();
    bench.cloud.failNext('createServer', new RequestRefusedError('Flavor is too small'), 3);

    await pass({ ...bench.startProcess(), launchPass });

    expect(launchPass.breakers.listOpen()).toMatchObject([{ key: imageKey('fake-provider', 'trusty') }]);
  });

  test('of machines pause the label only: the cloud is not to blame', async () => {
    const bench = benchOf(3);
    const { launchPass } = bench.startProcess();
    for (let n = 1; n <= 3; n += 1) bench.machines.machine(`10.0.0.${n}`).hasNodeFolder = false;

    await pass({ ...bench.startProcess(), launchPass });

    expect(launchPass.breakers.listOpen()).toMatchObject([{ key: labelKey('trusty', 'trusty') }]);
  });

  test('for want of an image pause nothing: the image is being built', async () => {
    const bench = benchOf(3);
    for (const image of bench.images.all()) await bench.images.remove(image, { who: 'test', why: 'test' });
    const { launchPass } = bench.startProcess();

    await pass({ ...bench.startProcess(), launchPass });

    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['delete', 'delete', 'delete']);
    expect(launchPass.breakers.listOpen()).toEqual([]);
  });

  test('before a success are forgotten', async () => {
    const bench = benchOf(2);
    const process = bench.startProcess();
    bench.cloud.failNextBoot();
    bench.cloud.failNextBoot();
    await pass(process);
    await bench.nodes.insert([{ provider: 'fake-provider', label: 'trusty', target: 'fake-target' }], {
      who: 'test',
      why: 'test',
    });
    await pass(process);

    expect(process.launchPass.breakers.failed(providerKey('fake-provider'), 'one more')).toBe(0);
  });
});

describe('no room in the provider', () => {
  test('drops the rows, which would count as supply, and pauses it, though nobody failed', async () => {
    const bench = benchOf(4, { cloud: { maxInstances: 1 } });
    const process = bench.startProcess();

    await pass(process);

    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['ready']);
    expect(bench.images.all()).toMatchObject([{ state: 'ready' }]);
    expect(bench.metrics.launches.map(({ outcome }) => outcome)).toEqual(['ready']);
    expect(process.launchPass.breakers.isOpen(providerKey('fake-provider'))).toBe(true);
    expect(bench.log.messages('error')).toEqual([]);
    await bench.clock.advance(30_000);
    expect(process.launchPass.breakers.listOpen()).toEqual([]);
    expect(process.launchPass.breakers.isProbing(providerKey('fake-provider'))).toBe(false);
  });

  test('that shows only after the servers were accepted pauses it just so: a burst opens no breaker', async () => {
    const bench = benchOf(4);
    const process = bench.startProcess();
    for (let n = 0; n < 3; n += 1) bench.cloud.failNextBoot('Quota exceeded for instances: Requested 1');

    await pass(process);
    const paused = process.launchPass.breakers.listOpen();
    await bench.clock.advance(30_000);
    await settlePool(bench);

    expect(paused).toMatchObject([{ key: providerKey('fake-provider'), remainingMs: 30_000 }]);
    expect(process.launchPass.breakers.isProbing(providerKey('fake-provider'))).toBe(false);
    expect(bench.nodes.all().map(({ state }) => state)).toEqual(['ready']);
    expect(bench.cloud.servers.size).toBe(1);
    expect(bench.log.messages('error')).toEqual([]);
  });
});
