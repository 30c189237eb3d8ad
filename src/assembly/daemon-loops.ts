import type { AllocationRound } from '../allocation/allocation-history.ts';
import { runAllocationPass } from '../pool/allocation-pass.ts';
import type { LeaderRole } from '../node/daemon-store.ts';
import { runCheckPass } from '../pool/check-pass.ts';
import { runCleanupPass } from '../pool/cleanup-pass.ts';
import { runDeletionPass } from '../pool/deletion-pass.ts';
import { runLeakPass } from '../pool/leaks/leak-pass.ts';
import { runHoldPass } from '../pool/hold-pass.ts';
import { runLaunchPass } from '../pool/launch-pass.ts';
import { runQuotaPass } from '../pool/quota-pass.ts';
import { runReconcilePass } from '../pool/reconcile-pass.ts';
import { runRegistrationPass } from '../pool/registration-pass.ts';
import { type ControlLoop, type LoopDeps, runControlLoop } from '../runtime/control-loop.ts';
import { runDibPass, runDibUpdate } from '../dib/dib-pass.ts';
import { runImagePass, runImageUpdate } from '../snapshot/image-pass.ts';
import { baseImageLoop } from './base-image-loop.ts';
import { type CronLoop, runCronLoop } from './cron-loop.ts';
import type { Daemon } from './daemon.ts';
import { allocationForImages, recycleLoop, rollbackLoop } from './image-care.ts';
import { rememberedRounds } from './remembered-rounds.ts';
import {
  deletionPassDeps,
  dibPassDeps,
  imagePassDeps,
  launchPassDeps,
  leakPassDeps,
  quotaPassDeps,
  registrationPassDeps,
} from './pass-deps.ts';

/** Parts of the daemon that an operator may leave to another one (upstream's flags). */
export type DaemonRoles = {
  readonly launches: boolean;
  readonly deletes: boolean;
  readonly images: boolean;
};

const SWEEP_MS = 10_000;
const QUOTA_MS = 20_000;
const RECONCILE_MS = 60_000;
const GATHER_MS = 100;
/** A burst of launches changes rows hundreds of times a second, and each pass reads all rows of a state. */
const ROWS_GATHER_MS = 50;
/** A publisher that cannot be spoken to is reached again and again, and each time asks for a look at Jenkins. */
const RECONNECT_GATHER_MS = 2_000;

/** Runs all loops of the daemon until aborted. */
export async function runDaemonLoops(daemon: Daemon, roles: DaemonRoles, signal: AbortSignal): Promise<void> {
  const { clock, tasks, log } = daemon.parts;
  const deps: LoopDeps = { clock, tasks, log: log.child('NodePool') };
  const loops = [
    ...watchLoops(daemon),
    ...(roles.launches ? launchLoops(daemon) : []),
    ...(roles.deletes ? deletionLoops(daemon) : []),
    ...(roles.images ? imageLoops(daemon, roles.launches) : []),
  ];
  const crons = [
    ...(roles.deletes ? deletionCrons(daemon).map((cron) => ledBy(daemon, 'reconciliation', cron)) : []),
    ...(roles.images ? [ledBy(daemon, 'images', imageCron(daemon))] : []),
  ].map((cron) => unlessFrozen(daemon, cron));
  await Promise.all([
    ...loops.map((loop) => runControlLoop(loop, deps, signal)),
    ...crons.map((cron) => runCronLoop(cron, deps, signal)),
  ]);
}

/** The same loop or cron, which passes only while this daemon leads. */
function ledBy<Loop extends ControlLoop | CronLoop>(daemon: Daemon, role: LeaderRole, loop: Loop): Loop {
  const pass = async (signal: AbortSignal): Promise<void> => {
    if (daemon.leads(role)) await loop.pass(signal);
  };
  return { ...loop, pass };
}

/** The same loop or cron, which does nothing while an operator has frozen the farm. */
function unlessFrozen<Loop extends ControlLoop | CronLoop>(daemon: Daemon, loop: Loop): Loop {
  const pass = async (signal: AbortSignal): Promise<void> => {
    if (!daemon.freeze.isFrozen) await loop.pass(signal);
  };
  return { ...loop, pass };
}

function watchLoops(daemon: Daemon): readonly ControlLoop[] {
  return [
    {
      name: 'demand',
      intervalMs: () => daemon.demand.pollMs,
      pass: (signal) => daemon.demand.poll(signal),
    },
    {
      name: 'targets',
      intervalMs: SWEEP_MS,
      pass: (signal) => daemon.targets.poll(daemon.parts.clients.allAgents(), signal),
    },
    {
      name: 'freeze',
      intervalMs: SWEEP_MS,
      wakeup: daemon.wakeFreeze,
      pass: async () => {
        if ((await daemon.freeze.poll()) === 'thawed') daemon.onThawed();
      },
    },
  ];
}

function allocationLoop(daemon: Daemon): ControlLoop {
  const { clients, database, clock, log } = daemon.parts;
  let turns = 0;
  const allocation = {
    farm: () => clients,
    nodes: database.nodes,
    readState: () => database.readAllocationState(),
    demand: (signal: AbortSignal) => daemon.demand.current(signal),
    isOnline: (target: string) => daemon.isOnline(target),
    breakers: daemon.breakers,
    quotas: daemon.quotas,
    history: () => daemon.rounds.history,
    turn: () => turns++,
    saveRound: async (pass: AllocationRound) => {
      const ended = daemon.rounds.add(pass, clock.now());
      if (ended !== undefined) await database.rounds.save(ended);
    },
    log: log.child('NodePool'),
    ...allocationForImages(daemon),
  };
  let stoodBy = false;
  return {
    name: 'allocation',
    intervalMs: SWEEP_MS,
    wakeup: daemon.wakeAllocation,
    debounceMs: GATHER_MS,
    pass: async (signal) => {
      if (!daemon.leads('allocation')) {
        stoodBy = true;
        return;
      }
      if (stoodBy) daemon.rememberRounds(await rememberedRounds(database));
      stoodBy = false;
      await daemon.idCheck.done(signal);
      const { grants } = await runAllocationPass(allocation, signal);
      if (grants.length > 0) daemon.wakeLaunches.wake();
    },
  };
}

function launchLoops(daemon: Daemon): readonly ControlLoop[] {
  return [
    unlessFrozen(daemon, allocationLoop(daemon)),
    unlessFrozen(daemon, {
      name: 'launch',
      intervalMs: SWEEP_MS,
      wakeup: daemon.wakeLaunches,
      debounceMs: ROWS_GATHER_MS,
      pass: async (signal) => {
        await daemon.idCheck.done(signal);
        await runLaunchPass(launchPassDeps(daemon), signal);
      },
    }),
    ledBy(daemon, 'allocation', {
      name: 'quota',
      intervalMs: QUOTA_MS,
      pass: (signal) => runQuotaPass(quotaPassDeps(daemon), signal),
    }),
    {
      name: 'registration',
      intervalMs: SWEEP_MS,
      pass: (signal) => runRegistrationPass(registrationPassDeps(daemon), signal),
    },
  ];
}

function deletionLoops(daemon: Daemon): readonly ControlLoop[] {
  const { clients, database, clock, log } = daemon.parts;
  return [
    unlessFrozen(daemon, {
      name: 'deletion',
      intervalMs: () => untilDueMs(daemon.retries),
      wakeup: daemon.wakeDeletions,
      debounceMs: ROWS_GATHER_MS,
      pass: (signal) => runDeletionPass(deletionPassDeps(daemon), signal),
    }),
    unlessFrozen(daemon, ledBy(daemon, 'reconciliation', recycleLoop(daemon))),
    ledBy(daemon, 'reconciliation', {
      name: 'hold',
      intervalMs: SWEEP_MS,
      wakeup: daemon.wakeHolds,
      debounceMs: ROWS_GATHER_MS,
      pass: (signal) =>
        runHoldPass(
          { farm: () => clients, nodes: database.nodes, log: log.child('NodePool'), eachTarget: daemon.holding },
          signal,
        ),
    }),
    ledBy(daemon, 'reconciliation', {
      name: 'reconcile',
      intervalMs: RECONCILE_MS,
      wakeup: daemon.wakeReconcile,
      debounceMs: RECONNECT_GATHER_MS,
      pass: (signal) =>
        runReconcilePass(
          {
            farm: () => clients,
            nodes: database.nodes,
            clock,
            log: log.child('NodePool'),
            deleteDelayMs: () => clients.config.deleteDelayMs,
            eachTarget: daemon.reconciling,
            sightingsAt: (target) => daemon.sightingsAt(target),
            singleUse: daemon.singleUse,
          },
          signal,
        ),
    }),
  ];
}

/** Never at once: where the pass may not do it (frozen, or led by another daemon), it stays due. */
function untilDueMs(retries: { nextDueMs(): number | undefined }): number {
  return Math.min(SWEEP_MS, Math.max(GATHER_MS, retries.nextDueMs() ?? SWEEP_MS));
}

/** @param asksForMissing not where launches are left to another daemon (upstream: --no-launches) */
function imageLoops(daemon: Daemon, asksForMissing: boolean): readonly ControlLoop[] {
  const loops = [
    snapshotLoop(daemon, asksForMissing),
    dibLoop(daemon, asksForMissing),
    baseImageLoop(daemon),
    rollbackLoop(daemon),
  ];
  return loops.map((loop) => unlessFrozen(daemon, ledBy(daemon, 'images', loop)));
}

function dibLoop(daemon: Daemon, asksForMissing: boolean): ControlLoop {
  return {
    name: 'disk images',
    intervalMs: () => untilDueMs(daemon.dibWork.retries),
    wakeup: daemon.wakeDibImages,
    debounceMs: ROWS_GATHER_MS,
    pass: async (signal) => {
      await daemon.idCheck.done(signal);
      await runDibPass(dibPassDeps(daemon, asksForMissing), signal);
    },
  };
}

function snapshotLoop(daemon: Daemon, asksForMissing: boolean): ControlLoop {
  return {
    name: 'images',
    intervalMs: () => untilDueMs(daemon.imageWork.retries),
    wakeup: daemon.wakeImages,
    pass: async (signal) => {
      await daemon.idCheck.done(signal);
      await runImagePass(imagePassDeps(daemon, asksForMissing), signal);
    },
  };
}

function imageCron(daemon: Daemon): CronLoop {
  return {
    name: 'image-update',
    schedule: () => daemon.parts.clients.config.cron.imageUpdate,
    pass: async (signal) => {
      await daemon.idCheck.done(signal);
      await runImageUpdate(imagePassDeps(daemon, false));
      await runDibUpdate(dibPassDeps(daemon, false));
      daemon.wakeAllImages();
    },
  };
}

function deletionCrons(daemon: Daemon): readonly CronLoop[] {
  const { clients, database, machines, clock, log } = daemon.parts;
  const nodePoolLog = log.child('NodePool');
  return [
    {
      name: 'cleanup',
      schedule: () => clients.config.cron.cleanup,
      pass: () =>
        runCleanupPass({
          nodes: database.nodes,
          clock,
          log: nodePoolLog,
          maxHoldAgeMs: () => clients.config.maxHoldAgeMs,
        }),
    },
    {
      name: 'leaks',
      schedule: () => clients.config.cron.cleanup,
      pass: (signal) => runLeakPass(leakPassDeps(daemon), signal),
    },
    {
      name: 'check',
      schedule: () => clients.config.cron.check,
      pass: (signal) =>
        runCheckPass({ farm: () => clients, nodes: database.nodes, machines, log: nodePoolLog }, signal),
    },
  ];
}
