import type { SeededRandomness } from '../fuzz/seeded-randomness.ts';
import { CRASH_POINTS, type CrashPoint } from '../src/runtime/crash-point.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { NAMES } from '../test/integration/farm-config.ts';
import type { LoggedProcess } from '../test/integration/logged-process.ts';
import type { CrashFarm } from './crash-farm.ts';
import type { Part } from './evidence.ts';

/** Who is killed: `points` is the daemon at its named crash points. */
export const VICTIMS = ['daemon', 'points', 'cloud', 'jenkins', 'gearmand', 'postgres', 'two-daemons'] as const;
export type Victim = (typeof VICTIMS)[number];

/** A farm under churn, and who works on it now. */
export type Scene = {
  readonly farm: CrashFarm;
  readonly randomness: SeededRandomness;
  /** The daemons that should be alive. */
  readonly daemons: LoggedProcess[];
  /** Crash points at which a daemon died. */
  readonly reached: Set<CrashPoint>;
};

/** One round: waits for a random moment, kills, and starts again what was killed. */
export type Round = (scene: Scene) => Promise<void>;

/** Longest wait for a daemon to come to its crash point. */
const POINT_MS = 15_000;
/** Points of a snapshot are reached only while an image is built. */
const FIRST_OF_BUILD: CrashPoint = 'build-begun';

export const ROUNDS: Readonly<Record<Victim, Round>> = {
  daemon: async (scene) => {
    await killDaemon(scene, 0);
  },
  points: killAtPoint,
  'two-daemons': async (scene) => {
    const { farm, daemons, randomness } = scene;
    while (daemons.length < 2) daemons.push(farm.startDaemon());
    if (daemons[0] !== undefined) await randomMoment(daemons[0], randomness);
    const both = randomness.isOneIn(3);
    if (both) await Promise.all(daemons.map((daemon) => daemon.kill()));
    else await daemons[randomness.below(2)]?.kill();
    await systemClock.sleep(randomness.below(1_000));
    for (const [index, daemon] of daemons.entries()) {
      if (daemon.hasEnded) daemons[index] = farm.startDaemon();
    }
  },
  cloud: partRound('cloud', ({ peers }) => ({ kill: () => peers.killCloud(), start: () => peers.startCloud() })),
  jenkins: partRound('jenkins', ({ peers }) => ({
    kill: () => peers.killJenkins(),
    start: () => peers.startJenkins(),
  })),
  gearmand: partRound('gearmand', ({ peers }) => ({
    kill: () => peers.killGearmand(),
    start: () => peers.startGearmand(),
  })),
  postgres: partRound('postgres', ({ database }) => ({
    kill: () => {
      database.kill();
      return Promise.resolve();
    },
    start: () => database.restart(),
  })),
};

/** Lets one daemon work, and no other. */
export async function leaveOneDaemon(scene: Scene): Promise<void> {
  for (const spare of scene.daemons.splice(1)) await spare.kill();
  if (scene.daemons[0]?.hasEnded !== false) scene.daemons[0] = scene.farm.startDaemon();
}

async function killDaemon({ farm, daemons, randomness }: Scene, index: number): Promise<void> {
  const daemon = (daemons[index] ??= farm.startDaemon());
  await randomMoment(daemon, randomness);
  await daemon.kill();
  if (randomness.isOneIn(3)) await systemClock.sleep(randomness.below(2_000));
  daemons[index] = farm.startDaemon();
}

/** Now and then while it still starts, mostly while it works. */
async function randomMoment(daemon: LoggedProcess, randomness: SeededRandomness): Promise<void> {
  if (!randomness.isOneIn(4)) await daemon.logged(/Nodepool is running/);
  await systemClock.sleep(randomness.below(5_000));
}

async function killAtPoint(scene: Scene): Promise<void> {
  const { farm, daemons, randomness, reached } = scene;
  const missing = CRASH_POINTS.filter((each) => !reached.has(each));
  const point = randomness.pick(missing.length > 0 ? missing : CRASH_POINTS);
  await leaveOneDaemon(scene);
  await daemons[0]?.kill();
  const isOfBuild = CRASH_POINTS.indexOf(point) >= CRASH_POINTS.indexOf(FIRST_OF_BUILD);
  if (isOfBuild) await askForImage(scene);
  const armed = farm.startDaemon({ crashAt: { point, count: isOfBuild ? 1 : 1 + randomness.below(3) } });
  const endMs = systemClock.monotonicMs() + POINT_MS;
  while (!armed.hasEnded && systemClock.monotonicMs() < endMs) await systemClock.sleep(20);
  if (armed.hasEnded) reached.add(point);
  else await armed.kill();
  daemons[0] = farm.startDaemon();
}

/** As the cron `image-update` does, unless one is being built. */
async function askForImage({ farm }: Scene): Promise<void> {
  const { images } = farm.database.tables;
  const rows = await images.list();
  if (rows.some(({ state }) => state === 'building')) return;
  const version = 1 + Math.max(0, ...rows.map((row) => row.version ?? 0));
  await images.insert({ provider: NAMES.provider, image: NAMES.image, version }, { who: 'crash', why: 'A round' });
}

type Switch = { readonly kill: () => Promise<void>; readonly start: () => Promise<void> };

function partRound(part: Part, switchOf: (farm: CrashFarm) => Switch): Round {
  return async (scene) => {
    const { farm, randomness } = scene;
    await leaveOneDaemon(scene);
    await systemClock.sleep(500 + randomness.below(4_000));
    const { kill, start } = switchOf(farm);
    const end = farm.beginOutage(part);
    await kill();
    await systemClock.sleep(randomness.below(2_000));
    await start();
    end();
  };
}
