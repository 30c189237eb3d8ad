import { expect, test } from 'vitest';
import { LAUNCH_STEPS, type Node } from '../../src/node/node.ts';
import { launchNode } from '../../src/pool/launch-node.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { aLabel } from '../builders/a-config.ts';
import { aReadyNode } from '../builders/a-node.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { serverOf } from './bench-with-nodes.ts';
import { passTime } from './pass-time.ts';
import { PoolBench } from './pool-bench.ts';
import { settlePool } from './settle-pool.ts';

const NAME = 'trusty-fake-provider-1';
const WITH_SCRIPT = { labels: [aLabel({ readyScript: 'ready.sh' })] };

/** A farm whose database is a backup: there node 1 is at that step of its launch, and what comes later is not known. */
function restored(step: NonNullable<Node['step']>): PoolBench {
  const whole = aReadyNode({ state: 'building', step });
  const { externalId, ip } = whole;
  const node = definedOnly({
    ...whole,
    registeredAt: undefined,
    externalId: step === 'create-server' ? undefined : externalId,
    ip: step === 'create-server' || step === 'wait-active' ? undefined : ip,
  });
  const servers = [serverOf(1, { id: 'server-1', addresses: [address('10.0.0.1')] })];
  return new PoolBench({ config: WITH_SCRIPT, nodes: [node], cloud: { servers } });
}

function address(ip: string) {
  return { network: 'private', ip, version: 4, kind: 'fixed' } as const;
}

test.each(LAUNCH_STEPS)(
  'a launch at %s in the backup, whose node runs a job by now, touches nothing; the job ends',
  async (step) => {
    const bench = restored(step);
    bench.agents.add({ nodename: NAME, host: '10.0.0.1', busy: true });

    await launchNode(bench.launch(), bench.launchDeps(), neverAborted).catch(() => undefined);
    const after = bench.node().state;
    await settlePool(bench);
    const whileBusy = bench.cloud.servers.peekAll().map(({ id }) => id);
    bench.agents.endBuild(NAME, 'offline');
    await settlePool(bench);

    expect(after).toBe('delete');
    expect(bench.machines.machine('10.0.0.1').timesRun('ready.sh')).toBe(0);
    expect(bench.agents.calls).not.toContain('ensure');
    expect(whileBusy).toEqual(['server-1']);
    expect(bench.agents.killedBuilds).toEqual([]);
    expect([bench.nodes.all(), bench.cloud.servers.peekAll(), bench.agents.nodenames]).toEqual([[], [], []]);
  },
);

test('no breaker counts it: neither cloud nor machine is to blame', async () => {
  const bench = restored('wait-ssh');
  bench.agents.add({ nodename: NAME, host: '10.0.0.1' });

  const failure = launchNode(bench.launch(), bench.launchDeps(), neverAborted);

  await expect(failure).rejects.toMatchObject({
    blames: 'nobody',
    message: `Agent ${NAME} is in jenkins already: this launch ended before. Is the database a backup?`,
  });
});

test('a launch whose server is gone never logs in at its address, which another node may have by now', async () => {
  const bench = restored('wait-ssh');
  bench.cloud.servers.remove('server-1');

  const failure = launchNode(bench.launch(), bench.launchDeps(), neverAborted);

  await expect(failure).rejects.toThrow('Server server-1 is gone');
  expect(bench.machines.machine('10.0.0.1').timesRun('ready.sh')).toBe(0);
  expect(bench.node().state).toBe('delete');
});

test('while Jenkins does not say whether there is an agent, the launch waits', async () => {
  const bench = restored('wait-ssh');
  bench.agents.failNext('find', new TransientProviderError('Jenkins answers 503'), 3);

  const launched = launchNode(bench.launch(), bench.launchDeps(), neverAborted);
  await passTime(bench.clock, 4_000);
  const waiting = bench.node().state;
  await passTime(bench.clock, 4_000);

  expect(waiting).toBe('building');
  expect(await launched).toBe('ready');
});

test('a fresh launch asks neither the cloud nor Jenkins for that', async () => {
  const bench = new PoolBench();

  await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

  expect(bench.agents.calls).toEqual(['ensure']);
  expect(bench.cloud.calls).not.toContain('findServer');
});
