import { runDeletionPass } from '../../src/pool/deletion-pass.ts';
import { runHoldPass } from '../../src/pool/hold-pass.ts';
import { runLaunchPass } from '../../src/pool/launch-pass.ts';
import { runReconcilePass } from '../../src/pool/reconcile-pass.ts';
import { runRegistrationPass } from '../../src/pool/registration-pass.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import type { PoolBench, PoolProcess } from './pool-bench.ts';

/** One pass of every loop, and the end of what they began. */
export async function runAllPasses(process: PoolProcess): Promise<void> {
  await runLaunchPass(process.launchPass, neverAborted);
  await process.launchPass.launches.settled();
  await runRegistrationPass(process.registrationPass, neverAborted);
  await process.launchPass.launches.settled();
  await runHoldPass(process.holdPass, neverAborted);
  await runReconcilePass(process.reconcilePass, neverAborted);
  await runDeletionPass(process.deletionPass, neverAborted);
  await process.deletionPass.deletions.settled();
}

/** Runs passes of a new process, a minute apart, until all repairs that need a second sighting are made. */
export async function settlePool(bench: PoolBench): Promise<void> {
  bench.wrap = (peer) => peer;
  const process = bench.startProcess();
  for (let round = 0; round < 6; round += 1) {
    await runAllPasses(process);
    await bench.clock.advance(61_000);
  }
}
