import { describe, expect, test } from 'vitest';
import { runDeletionPass } from '../../src/pool/deletion-pass.ts';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { runRegistrationPass } from '../../src/pool/registration-pass.ts';
import { aLabel } from '../builders/a-config.ts';
import { aNode } from '../builders/a-node.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { PoolBench } from './pool-bench.ts';

describe('a node that another daemon works on', () => {
  test('is not launched here, until that daemon is gone', async () => {
    const bench = new PoolBench();
    const { launchPass } = bench.startProcess();
    bench.nodes.claimForOther(1);

    await runLaunchPass(launchPass, neverAborted);
    await launchPass.launches.settled();
    const meanwhile = bench.node();
    bench.nodes.letGo(1);
    await runLaunchPass(launchPass, neverAborted);
    await launchPass.launches.settled();

    expect(meanwhile).toEqual(aNode());
    expect(bench.node().state).toBe('ready');
  });

  test('is not launched here if the other was faster between the look and the start', async () => {
    const bench = new PoolBench();
    const { launchPass } = bench.startProcess();

    const passed = runLaunchPass(launchPass, neverAborted);
    bench.nodes.claimForOther(1);
    await passed;
    await launchPass.launches.settled();

    expect(bench.cloud.calls).toEqual([]);
    expect(bench.log.messages('error')).toEqual([]);
  });

  test('is not registered here', async () => {
    const bench = new PoolBench({ nodes: [aNode({ state: 'ready', nodename: 'n1', ip: '192.0.2.1' })] });
    const { registrationPass } = bench.startProcess();
    bench.nodes.claimForOther(1);

    await runRegistrationPass(registrationPass, neverAborted);
    await registrationPass.launches.settled();

    expect(await bench.agents.list(neverAborted)).toEqual([]);
  });

  test('is not deleted here', async () => {
    const bench = new PoolBench({ nodes: [aNode({ state: 'delete' })] });
    const { deletionPass } = bench.startProcess();

    const passed = runDeletionPass(deletionPass, neverAborted);
    bench.nodes.claimForOther(1);
    await passed;
    await deletionPass.deletions.settled();

    expect(bench.nodes.all()).toHaveLength(1);
    expect(bench.log.messages('warn')).toEqual([]);
  });
});

describe('while another daemon leads allocation', () => {
  test('a node of a label that is not configured here is left to that daemon, which may know it', async () => {
    const bench = new PoolBench({ config: { labels: [aLabel({ name: 'other' })] } });
    const { launchPass } = bench.startProcess();

    await runLaunchPass({ ...launchPass, mayAbandon: () => false }, neverAborted);

    expect(bench.node().state).toBe('building');
  });
});
