import { describe, expect, test } from 'vitest';
import { runReconcilePass } from '../../src/pool/reconcile-pass.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { aReadyNode } from '../builders/a-node.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { PoolBench, type PoolProcess } from './pool-bench.ts';

const NODENAME = 'trusty-fake-provider-1';

/** A used node whose build runs. */
function aBench(): { readonly bench: PoolBench; readonly daemon: PoolProcess } {
  const bench = new PoolBench({
    nodes: [aReadyNode({ state: 'used' })],
    agents: { agents: [{ nodename: NODENAME, busy: true }] },
  });
  return { bench, daemon: bench.startProcess() };
}

describe('a node whose job began', () => {
  test('is closed to further builds while it runs, where the job does not do that itself', async () => {
    const { bench, daemon } = aBench();

    daemon.singleUse.jobStarted(bench.node(), {}, neverAborted);
    await daemon.singleUse.settled();

    expect(bench.agents.agent(NODENAME)).toMatchObject({ busy: true, temporarilyOffline: true });
    expect(bench.agents.killedBuilds).toEqual([]);
  });

  test('is left alone where the job takes it offline', async () => {
    const { bench, daemon } = aBench();

    daemon.singleUse.jobStarted(bench.node(), { asksOffline: true }, neverAborted);
    await daemon.singleUse.settled();
    await runReconcilePass(daemon.reconcilePass, neverAborted);
    await daemon.singleUse.settled();

    expect(bench.agents.agent(NODENAME).temporarilyOffline).toBe(false);
  });

  test('is closed when a second one begins on it, although the first was to take it offline', async () => {
    const { bench, daemon } = aBench();
    daemon.singleUse.jobStarted(bench.node(), { asksOffline: true }, neverAborted);

    daemon.singleUse.jobStarted(bench.node(), {}, neverAborted);
    await daemon.singleUse.settled();

    expect(bench.agents.agent(NODENAME).temporarilyOffline).toBe(true);
  });

  test('is closed by reconciliation once Jenkins may have lost what its job asked for', async () => {
    const { bench, daemon } = aBench();
    daemon.singleUse.jobStarted(bench.node(), { asksOffline: true }, neverAborted);

    daemon.singleUse.distrustJobs();
    await runReconcilePass(daemon.reconcilePass, neverAborted);
    await daemon.singleUse.settled();

    expect(bench.agents.agent(NODENAME)).toMatchObject({ busy: true, temporarilyOffline: true });
  });

  test('is closed by reconciliation when it runs no job any more: its job died with Jenkins, which would give it another', async () => {
    const { bench, daemon } = aBench();
    daemon.singleUse.jobStarted(bench.node(), { asksOffline: true }, neverAborted);
    bench.agents.endBuild(NODENAME);

    await runReconcilePass(daemon.reconcilePass, neverAborted);
    await daemon.singleUse.settled();

    expect(bench.agents.agent(NODENAME).temporarilyOffline).toBe(true);
    expect(bench.node().state).toBe('used');
  });

  test('is closed by reconciliation after a restart, or when Jenkins did not answer', async () => {
    const { bench, daemon } = aBench();
    bench.agents.failNext('setOffline', new TransientProviderError('Jenkins answers 503'));
    daemon.singleUse.jobStarted(bench.node(), {}, neverAborted);
    await daemon.singleUse.settled();
    const afterFailure = bench.agents.agent(NODENAME).temporarilyOffline;

    await runReconcilePass(daemon.reconcilePass, neverAborted);
    await daemon.singleUse.settled();

    expect(afterFailure).toBe(false);
    expect(bench.log.messages('warn')).toEqual(['Node id: 1 may get a second job: Jenkins answers 503']);
    expect(bench.agents.agent(NODENAME).temporarilyOffline).toBe(true);
  });

  test('goes at the first look of reconciliation when its end is missed', async () => {
    const { bench, daemon } = aBench();
    daemon.singleUse.jobStarted(bench.node(), {}, neverAborted);
    await daemon.singleUse.settled();
    bench.agents.endBuild(NODENAME);

    await runReconcilePass(daemon.reconcilePass, neverAborted);

    expect(bench.node().state).toBe('delete');
  });
});
