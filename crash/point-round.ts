import { FARM_POINTS, type CrashPoint } from '../src/runtime/crash-point.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { NAMES } from '../test/integration/farm-config.ts';
import { leaveOneDaemon, type Scene } from './scene.ts';

/** Longest wait for a daemon to come to its crash point. */
const POINT_MS = 15_000;
/** The same where an image is built before. */
const BUILD_MS = 45_000;
const LOOK_MS = 20;
/** Points of a snapshot are reached only while an image is built. */
const FIRST_OF_BUILD: CrashPoint = 'build-begun';
/** Points that are passed only after an earlier death: what was under way then is given up. */
const AFTER_DEATH: Partial<Record<CrashPoint, CrashPoint>> = {
  'launch-failure-stored': 'ready-script-sent',
  'build-failure-stored': 'setup-sent',
};
/** Points that are passed only when a third image is ready: two are kept. */
const OF_OLD_IMAGES: ReadonlySet<CrashPoint> = new Set(['image-deletion-sent', 'image-gone', 'image-removed']);
const KEPT_IMAGES = 2;

/** One round: a daemon that dies at a point which no daemon has died at yet. */
export async function killAtPoint(scene: Scene): Promise<void> {
  const { farm, randomness, reached } = scene;
  const missing = FARM_POINTS.filter((each) => !reached.has(each));
  const point = randomness.pick(missing.length > 0 ? missing : FARM_POINTS);
  const before = AFTER_DEATH[point];
  const count = before === undefined && !isOfBuild(point) ? 1 + randomness.below(3) : 1;
  await leaveOneDaemon(scene);
  if (OF_OLD_IMAGES.has(point)) await untilImagesAreKept(scene);
  if (before !== undefined) await dieAt(scene, { point: before, count: 1 });
  await dieAt(scene, { point, count });
  scene.daemons[0] = farm.startDaemon();
}

/** Replaces the daemon by one that is to die there, and waits for that; true if it did. */
export async function dieAt(
  { farm, daemons, reached }: Scene,
  crashAt: { readonly point: CrashPoint; readonly count: number },
): Promise<boolean> {
  const { point } = crashAt;
  await daemons[0]?.kill();
  if (isOfBuild(point)) await askForImage({ farm });
  const armed = farm.startDaemon({ crashAt });
  daemons[0] = armed;
  const endMs = systemClock.monotonicMs() + (isOfBuild(point) ? BUILD_MS : POINT_MS);
  while (!armed.hasEnded && systemClock.monotonicMs() < endMs) await systemClock.sleep(LOOK_MS);
  const isReached = armed.hasEnded;
  if (isReached) reached.add(point);
  else await armed.kill();
  return isReached;
}

function isOfBuild(point: CrashPoint): boolean {
  const points: readonly CrashPoint[] = FARM_POINTS;
  return points.indexOf(point) >= points.indexOf(FIRST_OF_BUILD);
}

/** Lets the daemon build until as many images are ready as are kept. */
async function untilImagesAreKept({ farm }: Scene): Promise<void> {
  const { images } = farm.database.tables;
  const endMs = systemClock.monotonicMs() + BUILD_MS;
  while (systemClock.monotonicMs() < endMs) {
    if ((await images.list({ states: ['ready'] })).length >= KEPT_IMAGES) return;
    await askForImage({ farm });
    await systemClock.sleep(10 * LOOK_MS);
  }
}

/** As the cron `image-update` does, unless one is being built. */
async function askForImage({ farm }: Pick<Scene, 'farm'>): Promise<void> {
  const { images } = farm.database.tables;
  const rows = await images.list();
  if (rows.some(({ state }) => state === 'building')) return;
  const version = 1 + Math.max(0, ...rows.map((row) => row.version ?? 0));
  await images.insert({ provider: NAMES.provider, image: NAMES.image, version }, { who: 'crash', why: 'A round' });
}
