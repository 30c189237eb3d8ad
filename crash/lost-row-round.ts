import { buildKeypairName } from '../src/image/build-keypair.ts';
import type { CrashPoint } from '../src/runtime/crash-point.ts';
import { systemClock } from '../src/runtime/clock.ts';
import type { CrashFarm } from './crash-farm.ts';
import { overviewOf } from './leftovers.ts';
import { dieAt } from './point-round.ts';
import { leaveOneDaemon, type Scene } from './scene.ts';

/** Points at which the cloud has, or is about to have, something of which only the row says whose it is. */
const POINTS: readonly CrashPoint[] = ['create-sent', 'create-answered', 'keypair-made', 'build-server-stored'];
/** Two cleanups half a minute apart, and their work. */
const REAPING_MS = 120_000;
/** What was on its way to the cloud is there by then. */
const ARRIVAL_MS = 300;
const LOOK_MS = 500;
const CAUSE = { who: 'crash', why: 'A database that was restored' } as const;

/**
 * One round: the daemon dies with something half made in the cloud, and the row that says whose it is is lost, as when
 * a database is restored. Only cleanup finds it then; the round ends when it has, or when it should have.
 */
export async function loseRow(scene: Scene): Promise<void> {
  const { farm, randomness, daemons } = scene;
  await leaveOneDaemon(scene);
  await dieAt(scene, { point: randomness.pick(POINTS), count: 1 });
  const names = await removeHalfMade(farm);
  await systemClock.sleep(ARRIVAL_MS);
  daemons[0] = farm.startDaemon();
  const endMs = systemClock.monotonicMs() + REAPING_MS;
  while (systemClock.monotonicMs() < endMs && (await isThere(farm, names))) await systemClock.sleep(LOOK_MS);
}

/** Removes the rows of a node and of an image that are being made; gives the names that their things have in the cloud. */
async function removeHalfMade({ database }: CrashFarm): Promise<ReadonlySet<string>> {
  const { nodes, images } = database.tables;
  const [node] = (await nodes.list({ states: ['building'] })).filter(
    ({ attempt, step }) => attempt !== undefined && step !== 'ready-script',
  );
  const [image] = (await images.list({ states: ['building'] })).filter(({ attempt }) => attempt !== undefined);
  if (node !== undefined) await nodes.remove(node, CAUSE);
  if (image !== undefined) await images.remove(image, CAUSE);
  const keypair = image && buildKeypairName(image);
  const names = [node?.nodename, node?.hostname, image?.hostname, keypair].flatMap((name) => name?.split('.')[0] ?? []);
  return new Set(names);
}

async function isThere(farm: CrashFarm, names: ReadonlySet<string>): Promise<boolean> {
  const { servers, keypairs } = await overviewOf(farm);
  const present = [...servers.map(({ name }) => name), ...keypairs];
  return present.some((name) => names.has(name.split('.')[0] ?? name));
}
