import { type GrantSmokeTestDeps, grantSmokeTests } from '../pool/grant-smoke-tests.ts';
import { countSuperseded, runRecyclePass } from '../pool/recycle-pass.ts';
import { runRollbackPass } from '../pool/rollback-pass.ts';
import type { AllocationDeps } from '../pool/allocation-pass.ts';
import type { ControlLoop } from '../runtime/control-loop.ts';
import type { Daemon } from './daemon.ts';

const SWEEP_MS = 10_000;

/** What allocation does for new images besides launching nodes for jobs. */
export function allocationForImages(daemon: Daemon): Pick<AllocationDeps, 'grantSmokeTests' | 'countSuperseded'> {
  const { database, log } = daemon.parts;
  const { nodes, images, history } = database;
  const deps: GrantSmokeTestDeps = {
    ...{ nodes, images, history, breakers: daemon.breakers, log: log.child('NodePool') },
    isOnline: (target) => daemon.isOnline(target),
  };
  return {
    grantSmokeTests: (farm) => grantSmokeTests(farm, deps),
    countSuperseded: (labels) => countSuperseded(labels, { nodes, images }),
  };
}

/** Gives up new images whose launches fail. */
export function rollbackLoop(daemon: Daemon): ControlLoop {
  const { database, clients, clock, randomness, imageFailures, log } = daemon.parts;
  const { images, dibImages, nodes } = database;
  const deps = { images, dibImages, nodes, imageFailures, clock, randomness, log: log.child('ImageUpdater') };
  return {
    name: 'rollback',
    intervalMs: SWEEP_MS,
    pass: () => runRollbackPass({ ...deps, config: () => clients.config }),
  };
}

/** Replaces ready nodes of older images. */
export function recycleLoop(daemon: Daemon): ControlLoop {
  const { database, clients, clock, log } = daemon.parts;
  const { images, nodes } = database;
  const deps = { images, nodes, clock, log: log.child('NodePool') };
  return {
    name: 'recycling',
    intervalMs: SWEEP_MS,
    pass: () => runRecyclePass({ ...deps, farm: () => clients }),
  };
}
