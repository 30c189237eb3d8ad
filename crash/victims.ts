import type { SeededRandomness } from '../fuzz/seeded-randomness.ts';
import { systemClock } from '../src/runtime/clock.ts';
import type { LoggedProcess } from '../test/integration/logged-process.ts';
import type { CrashFarm } from './crash-farm.ts';
import type { Part } from './evidence.ts';
import { loseRow } from './lost-row-round.ts';
import { killAtPoint } from './point-round.ts';
import { leaveOneDaemon, type Scene } from './scene.ts';

/** Who is killed: `points` is the daemon at its named crash points, `rows` the daemon, with a row of the database. */
export const VICTIMS = ['daemon', 'points', 'cloud', 'jenkins', 'gearmand', 'postgres', 'two-daemons', 'rows'] as const;
export type Victim = (typeof VICTIMS)[number];

/** One round: waits for a random moment, kills, and starts again what was killed. */
export type Round = (scene: Scene) => Promise<void>;

/** How long the farm works between two kills. */
type Pause = { readonly leastMs: number; readonly mostMs: number };
const SHORT: Pause = { leastMs: 500, mostMs: 4_500 };
/** New nodes come up to ten seconds after Jenkins; without them its kills would meet no jobs. */
const LONG: Pause = { leastMs: 3_000, mostMs: 15_000 };

export const ROUNDS: Readonly<Record<Victim, Round>> = {
  daemon: async (scene) => {
    await killDaemon(scene, 0);
  },
  points: killAtPoint,
  rows: loseRow,
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
  cloud: partRound('cloud', SHORT, ({ peers }) => ({ kill: () => peers.killCloud(), start: () => peers.startCloud() })),
  jenkins: partRound('jenkins', LONG, ({ peers }) => ({
    kill: () => peers.killJenkins(),
    start: () => peers.startJenkins(),
  })),
  gearmand: partRound('gearmand', SHORT, ({ peers }) => ({
    kill: () => peers.killGearmand(),
    start: () => peers.startGearmand(),
  })),
  postgres: partRound('postgres', SHORT, ({ database }) => ({
    kill: () => database.kill(),
    start: () => database.restart(),
  })),
};

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

type Switch = { readonly kill: () => Promise<void>; readonly start: () => Promise<void> };

function partRound(part: Part, { leastMs, mostMs }: Pause, switchOf: (farm: CrashFarm) => Switch): Round {
  return async (scene) => {
    const { farm, randomness } = scene;
    await leaveOneDaemon(scene);
    await systemClock.sleep(leastMs + randomness.below(mostMs - leastMs));
    const { kill, start } = switchOf(farm);
    const end = farm.beginOutage(part);
    await kill();
    await systemClock.sleep(randomness.below(2_000));
    await start();
    end();
  };
}
