import { describe, expect, test } from 'vitest';
import type { LaunchError } from '../../src/pool/launch-error.ts';
import { launchNode } from '../../src/pool/launch-node.ts';
import { RequestRefusedError, TransientProviderError } from '../../src/provider/errors.ts';
import { DatabaseUnavailableError } from '../../src/runtime/errors.ts';
import { aLabel, aProvider } from '../builders/a-config.ts';
import type { FakeMachine } from '../fakes/fake-machines.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { passTime } from './pass-time.ts';
import { settlePool } from './settle-pool.ts';
import { PoolBench, type PoolBenchOptions } from './pool-bench.ts';

const WITH_SCRIPT = { labels: [aLabel({ readyScript: 'ready.sh' })] };

/** Launches node 1 and gives the error that it ends with. */
async function failureOf(bench: PoolBench, passMs = 0): Promise<LaunchError> {
  const failed = launchNode(bench.launch(), bench.launchDeps(), neverAborted).then(
    () => {
      throw new Error('The launch went well');
    },
    (error: unknown) => error as LaunchError,
  );
  if (passMs > 0) await passTime(bench.clock, passMs, passMs > 60_000 ? 5_000 : 500);
  return await failed;
}

function benchWith(machine: Partial<FakeMachine>, options: PoolBenchOptions = {}): PoolBench {
  const bench = new PoolBench(options);
  Object.assign(bench.machines.machine('10.0.0.1'), machine);
  return bench;
}

describe('launchNode, when it fails', () => {
  test('counts a server in ERROR under error.status and tells the fault', async () => {
    const bench = new PoolBench();
    bench.cloud.failNextBoot('No valid host was found.');

    const error = await failureOf(bench);

    expect(error).toMatchObject({ name: 'LaunchError', outcome: 'error.status', blames: 'cloud' });
    expect(error.message).toContain('Server server-1 is in ERROR: No valid host was found.');
    expect(bench.node()).toMatchObject({ state: 'delete', externalId: 'server-1' });
    expect(bench.metrics.launches).toEqual([{ node: 1, outcome: 'error.status', ms: 0 }]);
    expect(bench.agents.calls).toEqual([]);
  });

  test('is no failure when the cloud accepted the server and then had no room: the server goes with its row', async () => {
    const bench = new PoolBench();
    bench.cloud.failNextBoot('Quota exceeded for instances: Requested 1, but already used 9 of 9 instances');

    const error = await failureOf(bench);
    const state = bench.node().state;
    await settlePool(bench);

    expect(error).toMatchObject({ name: 'QuotaExceededError', provider: 'fake-provider' });
    expect(state).toBe('delete');
    expect(bench.metrics.launches).toEqual([]);
    expect(bench.nodes.all()).toEqual([]);
    expect(bench.cloud.servers.peekAll()).toEqual([]);
  });

  test('says on one line, in upstream’s words, that a server did not become ACTIVE in time', async () => {
    const providers = [aProvider({ launchTimeoutMs: 60_000 })];
    const bench = new PoolBench({ config: { providers }, cloud: { bootTakesPolls: Infinity }, slow: true });

    const error = await failureOf(bench, 61_000);

    const line =
      'Timeout launching node id: 1 in provider: fake-provider error: ' +
      'Timeout waiting for server server-1 to become ACTIVE (60 s)';
    expect(error).toMatchObject({ outcome: 'error.status', blames: 'cloud', message: line });
    expect(bench.log.entries.filter(({ level }) => level === 'error')).toEqual([
      { level: 'error', name: 'nodepool', message: line, facts: { node: 1, provider: 'fake-provider' } },
    ]);
    expect(bench.node().state).toBe('delete');
  });

  test('fails under error.network when the server has no address', async () => {
    const bench = new PoolBench({ cloud: { addresses: () => [] } });

    const error = await failureOf(bench);

    expect(error).toMatchObject({ outcome: 'error.network', message: 'Unable to find public IP of server' });
  });

  test('counts a machine that never answers under error.ssh, as a timeout', async () => {
    const error = await failureOf(benchWith({ refusals: Infinity }));

    expect(error).toMatchObject({ outcome: 'error.ssh', blames: 'machine' });
    expect(error.message).toBe(
      'Timeout launching node id: 1 in provider: fake-provider error: ' +
        'Timeout waiting for ssh access to jenkins@10.0.0.1 (60 s): 10.0.0.1: connection fault',
    );
  });

  test('counts a machine that refuses our key to the end under error.auth', async () => {
    const error = await failureOf(benchWith({ refusals: Infinity, fault: 'authentication' }));

    expect(error).toMatchObject({ outcome: 'error.auth', blames: 'machine' });
  });

  test('ends at once when our own key is unusable, for waiting mends nothing', async () => {
    const bench = benchWith({ refusals: Infinity, fault: 'key' });

    const error = await failureOf(bench);

    expect(error).toMatchObject({ outcome: 'error.auth' });
    expect(bench.machines.logins).toHaveLength(1);
  });

  test('fails when /etc/nodepool is missing, before any key is written', async () => {
    const bench = benchWith({ hasNodeFolder: false }, { config: WITH_SCRIPT });

    const error = await failureOf(bench);

    expect(error.message).toBe("There is no /etc/nodepool on the machine: ls: cannot access '/etc/nodepool'");
    expect(bench.machines.machine('10.0.0.1')).toMatchObject({ files: new Map(), openSessions: 0 });
  });

  test('fails with the end of the output when the ready script exits with 1', async () => {
    const bench = benchWith({}, { config: WITH_SCRIPT });
    bench.machines.machine('10.0.0.1').results.set('ready.sh', { status: 1, lines: ['no network'] });

    const error = await failureOf(bench);

    expect(error).toMatchObject({ outcome: 'error.unknown', blames: 'machine' });
    expect(error.message).toBe('Ready script ready.sh ended with status 1: no network');
    expect(bench.history.all().at(-1)).toMatchObject({ event: 'launchFailed', why: error.message });
  });

  test('hints at an image that is older than its ready script', async () => {
    const bench = benchWith({}, { config: WITH_SCRIPT });
    const lines = ['sh: 1: ./ready.sh: not found'];
    bench.machines.machine('10.0.0.1').results.set('ready.sh', { status: 127, lines });

    expect((await failureOf(bench)).message).toBe(
      'Ready script ready.sh ended with status 127: sh: 1: ./ready.sh: not found: ' +
        'the image may be older than the script, update image trusty',
    );
  });

  test('cuts off a ready script that hangs after the launch timeout, and blames the machine', async () => {
    const providers = [aProvider({ launchTimeoutMs: 120_000 })];
    const bench = benchWith({}, { config: { ...WITH_SCRIPT, providers }, slow: true });
    bench.machines.machine('10.0.0.1').results.set('ready.sh', { hangs: true });

    const error = await failureOf(bench, 130_000);

    expect(error).toMatchObject({ outcome: 'error.unknown', blames: 'machine' });
    expect(error.message).toContain('Timeout waiting for ready script ready.sh of node id: 1 (120 s)');
    expect(bench.machines.machine('10.0.0.1').openSessions).toBe(0);
  });

  test('refuses a machine whose host key changed since the first contact', async () => {
    const bench = benchWith({}, { cloud: { servers: ['server-1'] } });
    await bench.nodes.record(1, { externalId: 'server-1', ip: '10.0.0.1', hostKey: 'sha256:other', step: 'wait-ssh' });

    const error = await failureOf(bench);

    expect(error).toMatchObject({ outcome: 'error.auth' });
    expect(error.message).toContain('The host key of 10.0.0.1 changed');
  });

  test('blames neither cloud nor machine when no image is ready', async () => {
    const bench = new PoolBench();
    const [image] = bench.images.all();
    if (image !== undefined) await bench.images.apply(image, 'deleted', { who: 'test', why: 'test' });

    const error = await failureOf(bench);

    expect(error).toMatchObject({ outcome: 'error.nodepool', blames: 'nobody' });
    expect(bench.cloud.calls).toEqual([]);
  });

  test('blames the request when the cloud refuses such a server', async () => {
    const bench = new PoolBench();
    bench.cloud.failNext('createServer', new RequestRefusedError('Flavor m1.huge could not be found'));

    const error = await failureOf(bench);

    expect(error).toMatchObject({ outcome: 'error.unknown', blames: 'request' });
    expect(bench.images.all()).toMatchObject([{ state: 'ready' }]);
  });

  test('keeps the stack of a bug in the log', async () => {
    const bench = new PoolBench();
    const bug = new TypeError('undefined is not a function');
    bench.cloud.failNext('nextServerList', bug);

    await failureOf(bench);

    expect(bench.log.entries.find(({ level }) => level === 'error')?.facts).toMatchObject({ error: bug });
  });

  test('leaves the row as it is when the database is away, for the next pass resumes it', async () => {
    const bench = new PoolBench();
    const deps = bench.launchDeps();
    const away = new DatabaseUnavailableError('The database is away');
    deps.nodes.apply = () => Promise.reject(away);

    const launched = launchNode(bench.launch(), deps, neverAborted);

    await expect(launched).rejects.toBe(away);
    expect(bench.node()).toMatchObject({ state: 'building', externalId: 'server-1' });
  });

  test('waits on when server lists fail for a while, for one lost list must not cost every booting server', async () => {
    const bench = new PoolBench({ slow: true });
    bench.cloud.failNext('nextServerList', new TransientProviderError('503'), 5);

    const launched = launchNode(bench.launch(), bench.launchDeps(), neverAborted);
    await passTime(bench.clock, 12_000);

    expect(await launched).toBe('ready');
  });
});
