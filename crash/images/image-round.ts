import type { SeededRandomness } from '../../fuzz/seeded-randomness.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { describeError } from '../../src/runtime/errors.ts';
import { overviewOf } from './cloud-images.ts';
import { DISK_IMAGE, PROVIDERS, type ProviderName } from './image-config.ts';
import type { ImageFarm } from './image-farm.ts';
import { findImageLeftovers, newestReady, readImageRows, servedBy } from './image-leftovers.ts';
import { type ImageKill, isOfOldBuilds, type Moment } from './moments.ts';

/** Until a program comes by a moment: a build, and whatever it waits for. */
const MOMENT_MS = 60_000;
/** The longest back-off of a worker, that of a failed upload, and two builds. */
const QUIET_MS = 240_000;
/** A provider gets its image while the other's cloud is dead. */
const OTHER_MS = 60_000;
const LOOK_MS = 100;
const CAUSE = { who: 'crash', why: 'A round' } as const;

export type RoundReport = {
  /** Whether a program came by the moment, so that the victim was killed at it. */
  readonly isReached: boolean;
  /** One line for each promise that was not kept. */
  readonly broken: readonly string[];
  readonly seconds: number;
};

/** What a round works with. */
export type ImageScene = {
  readonly farm: ImageFarm;
  readonly randomness: SeededRandomness;
  readonly signal: AbortSignal;
};

/** One kill: has an image built, kills the victim at the moment, starts it again, and looks at the farm when it is at rest. */
export async function killAt(kill: ImageKill, scene: ImageScene): Promise<RoundReport> {
  const { farm } = scene;
  const beganMs = systemClock.monotonicMs();
  const broken: string[] = [];
  if (isOfOldBuilds(kill.moment)) broken.push(...(await untilBuildsAreKept(scene)));
  const older = newestReady(await readImageRows(farm));
  await arm(kill.moment, farm);
  const program = farm.programAt(kill.moment);
  const isReached = await farm.untilStopped(program, MOMENT_MS);
  if (isReached) broken.push(...(await strike(kill, { ...scene, older })));
  else await restart(program, farm);
  broken.push(...(await untilQuiet(farm, { older, signal: scene.signal })));
  return { isReached, broken, seconds: Math.round((systemClock.monotonicMs() - beganMs) / 1000) };
}

/** Waits until nothing is left that should not be; gives what is left in the end. */
export async function untilQuiet(
  farm: ImageFarm,
  { older, signal }: { readonly older: number; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const endMs = systemClock.monotonicMs() + QUIET_MS;
  for (;;) {
    const found = await findImageLeftovers(farm, older).catch((error: unknown) => [
      `Cannot look: ${describeError(error)}`,
    ]);
    if (found.length === 0 || signal.aborted || systemClock.monotonicMs() > endMs) return found;
    await systemClock.sleep(LOOK_MS);
  }
}

/** Has a build begun, as the cron `image-update` does. */
export async function askForBuild({ database }: Pick<ImageFarm, 'database'>): Promise<void> {
  const { dibImages } = database.tables;
  const rows = await dibImages.list();
  const version = 1 + Math.max(Math.floor(systemClock.now().getTime() / 1000), ...rows.map((row) => row.version ?? 0));
  await dibImages.insert({ diskimage: DISK_IMAGE, version }, CAUSE);
}

/** Starts the program that comes by the moment anew, so that it stops there, and asks for a build. */
async function arm(moment: Moment, farm: ImageFarm): Promise<void> {
  const name = farm.programAt(moment);
  await farm.killProgram(name);
  if (moment === 'dib-row-made') await askDaemonForRow(farm);
  else await askForBuild(farm);
  await farm.startProgram(name, moment);
}

/** The daemon makes a row by itself where the last build has failed and its time has come. */
async function askDaemonForRow({ database }: ImageFarm): Promise<void> {
  const now = systemClock.now();
  const failure = { failures: 1, lastError: 'As the crash test says', failedAt: now, retryAt: now };
  await database.tables.dibImages.saveFailure({ diskimage: DISK_IMAGE, ...failure });
}

/** Two ready builds are kept: with a third, the first is removed. */
async function untilBuildsAreKept({ farm, signal }: ImageScene): Promise<readonly string[]> {
  for (;;) {
    const rows = await readImageRows(farm);
    if (rows.builds.filter(({ state }) => state === 'ready').length >= 2) return [];
    await askForBuild(farm);
    const left = await untilQuiet(farm, { older: newestReady(rows), signal });
    if (left.length > 0) return left;
  }
}

type Blow = ImageScene & { readonly older: number };

/** While one of our programs stands still at the moment: kills the victim, lets the program go on, starts the victim again. */
async function strike({ victim, moment }: ImageKill, blow: Blow): Promise<readonly string[]> {
  const { farm, randomness } = blow;
  const program = farm.programAt(moment);
  if (victim === 'glance') return await strikeCloud(moment, blow);
  await SWITCHES[victim].kill(farm);
  if (victim !== program) farm.goOn(program);
  await systemClock.sleep(randomness.below(1_000));
  await SWITCHES[victim].start(farm);
  return [];
}

/** The other provider gets its image before the cloud is back. */
async function strikeCloud(moment: Moment, { farm, older, signal }: Blow): Promise<readonly string[]> {
  const provider = await providerAt(farm);
  await farm.killCloud(provider);
  farm.goOn(farm.programAt(moment));
  const [other = provider] = PROVIDERS.filter((name) => name !== provider);
  const endMs = systemClock.monotonicMs() + OTHER_MS;
  let isServed = false;
  while (!isServed && !signal.aborted && systemClock.monotonicMs() < endMs) {
    const { images } = await readImageRows(farm);
    isServed = [...servedBy(other, images)].some((build) => build > older);
    await systemClock.sleep(LOOK_MS);
  }
  await farm.startCloud(provider);
  return isServed ? [] : [`Provider ${other} got no image while the cloud of ${provider} was dead`];
}

/** The provider with an image that is on its way: the moment is that of its upload. The first one, if there is none. */
async function providerAt(farm: ImageFarm): Promise<ProviderName> {
  const { images } = await readImageRows(farm);
  const ready = new Set(images.filter(({ state }) => state === 'ready').map(({ externalId }) => externalId));
  for (const provider of PROVIDERS) {
    const overview = await overviewOf(farm, provider);
    if (overview?.images.some(({ id }) => !ready.has(id)) === true) return provider;
  }
  return PROVIDERS[0];
}

async function restart(name: 'builder' | 'nodepoold', farm: ImageFarm): Promise<void> {
  await farm.startProgram(name);
}

type Switch = { readonly kill: (farm: ImageFarm) => Promise<void>; readonly start: (farm: ImageFarm) => Promise<void> };

const SWITCHES: Readonly<Record<Exclude<ImageKill['victim'], 'glance'>, Switch>> = {
  builder: { kill: (farm) => farm.killProgram('builder'), start: (farm) => restart('builder', farm) },
  nodepoold: { kill: (farm) => farm.killProgram('nodepoold'), start: (farm) => restart('nodepoold', farm) },
  gearmand: { kill: (farm) => farm.killGearmand(), start: (farm) => farm.startGearmand() },
  postgres: {
    kill: ({ database }) => database.kill(),
    start: ({ database }) => database.restart(),
  },
};
