import { expect, test } from 'vitest';
import { launchNode } from '../../src/pool/launch-node.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { PoolBench } from './pool-bench.ts';

test("the node's private key is for the account that logs in only; all else there can be read by every job's tools", async () => {
  const bench = new PoolBench();

  await launchNode(bench.launch(), bench.launchDeps(), neverAborted);

  const { modes } = bench.machines.machine('10.0.0.1');
  expect(modes.get('/etc/nodepool/id_rsa')).toBe(0o600);
  expect([...modes].filter(([, mode]) => mode !== undefined)).toHaveLength(1);
});
