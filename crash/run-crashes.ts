import { SeededRandomness } from '../fuzz/seeded-randomness.ts';
import { systemClock } from '../src/runtime/clock.ts';
import type { CrashPoint } from '../src/runtime/crash-point.ts';
import { describeError } from '../src/runtime/errors.ts';
import { judge, type Verdict } from './broken-promises.ts';
import { Churn } from './churn.ts';
import { CrashFarm } from './crash-farm.ts';
import { findLeftovers } from './leftovers.ts';
import { leaveOneDaemon, type Scene } from './scene.ts';
import { ROUNDS, type Victim } from './victims.ts';

/** A victim, and how often it is killed. */
export type Turn = { readonly victim: Victim; readonly rounds: number };

export type CrashOrder = {
  readonly seed: string;
  readonly turns: readonly Turn[];
  /** Jobs under way at a time. */
  readonly atATime: number;
};

export type CrashReport = {
  /** One line for each promise that was not kept. */
  readonly broken: readonly string[];
  readonly kills: number;
  readonly jobs: number;
  readonly attempts: number;
  readonly reused: number;
  /** What cleanup found without owner, and deleted. */
  readonly reaped: number;
  readonly leftovers: number;
  readonly reached: ReadonlySet<CrashPoint>;
  readonly seconds: number;
  /** What the daemons said, for a look at what went wrong. */
  readonly logs: readonly string[];
};

/** Jobs that are under way when the last round is over. */
const JOBS_END_MS = 150_000;
/** Two cleanups that see a leak, two reconciliations that miss a job, and their work. */
const QUIET_MS = 240_000;
/** The first image and the first nodes. */
const UP_MS = 90_000;
const LOOK_MS = 500;

/** Starts a farm, keeps it busy, kills the victims in turn, and looks what is left when all is quiet. */
export async function runCrashes(
  order: CrashOrder,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<CrashReport> {
  const randomness = new SeededRandomness(order.seed);
  await using farm = await CrashFarm.start();
  const beganMs = systemClock.monotonicMs();
  const scene: Scene = { farm, randomness, daemons: [farm.startDaemon()], reached: new Set() };
  await untilNodes(farm, signal);
  const churn = new Churn(farm.peers.gearmanPort, order.atATime, new SeededRandomness(`${order.seed} jobs`));
  let kills = 0;
  let leftovers: readonly string[] = [];
  try {
    for (const { victim, rounds } of order.turns) {
      for (let round = 0; round < rounds && !signal.aborted; round += 1) {
        await ROUNDS[victim](scene);
        kills += 1;
      }
      say(`${victim}: ${rounds} rounds, ${churn.jobs} jobs so far`);
    }
    await leaveOneDaemon(scene);
  } finally {
    await churn.end(signal.aborted ? 0 : JOBS_END_MS);
  }
  if (!signal.aborted) leftovers = await untilQuiet(farm, signal);
  const verdict = judgeFarm(farm, churn);
  const logs = farm.daemons.flatMap((daemon, index) => daemon.lines.map((line) => `${index}: ${line}`));
  const reaped = logs.filter((line) => line.includes('Deleting leaked')).length;
  logs.push(...farm.peers.jenkinsLog.map((line) => `jenkins: ${line}`));
  logs.push(`Instants count from ${new Date(systemClock.now().getTime() - systemClock.monotonicMs()).toISOString()}`);
  logs.push(...[...churn.attempts, ...farm.witness.runs, ...farm.outages].map((fact) => JSON.stringify(fact)));
  return {
    broken: [...verdict.broken, ...leftovers],
    ...{ kills, jobs: churn.jobs, attempts: churn.attempts.length, reused: verdict.reused },
    reaped,
    ...{ leftovers: leftovers.length, reached: scene.reached, logs },
    seconds: Math.round((systemClock.monotonicMs() - beganMs) / 1000),
  };
}

function judgeFarm({ witness, outages }: CrashFarm, { attempts, unfinished }: Churn): Verdict {
  return judge({ attempts, unfinished, outages, runs: witness.runs });
}

/** Waits until the first image is built and the first nodes are there: a fair start. */
async function untilNodes(farm: CrashFarm, signal: AbortSignal): Promise<void> {
  const left = await poll(UP_MS, () => findLeftovers(farm), signal);
  if (left.length > 0) throw new Error(`The farm does not come up: ${left.join(', ')}`);
}

/** What is left when all should be quiet; looks again while there is time and something is left. */
async function untilQuiet(farm: CrashFarm, signal: AbortSignal): Promise<readonly string[]> {
  return await poll(QUIET_MS, () => findLeftovers(farm), signal);
}

async function poll(
  ms: number,
  look: () => Promise<readonly string[]>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const endMs = systemClock.monotonicMs() + ms;
  for (;;) {
    const found = await look().catch((error: unknown) => [`Cannot look: ${describeError(error)}`]);
    if (found.length === 0 || signal.aborted || systemClock.monotonicMs() > endMs) return found;
    await systemClock.sleep(LOOK_MS);
  }
}
