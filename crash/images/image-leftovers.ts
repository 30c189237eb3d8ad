import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DibImage } from '../../src/image/dib-image.ts';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import { neverAborted } from '../../test/fakes/never-aborted.ts';
import { loopDevicesOf, processesOf } from '../../test/builder/left-by-builds.ts';
import { type CloudOverview, isWhole, overviewOf } from './cloud-images.ts';
import { FORMATS, PROVIDERS, type ProviderName } from './image-config.ts';
import type { ImageFarm } from './image-farm.ts';

/** The current build and the one before. */
const KEPT_BUILDS = 2;
const CHECKSUMS = ['md5', 'sha256'];

export type ImageRows = { readonly builds: readonly DibImage[]; readonly images: readonly SnapshotImage[] };

export async function readImageRows({ database: { tables } }: Pick<ImageFarm, 'database'>): Promise<ImageRows> {
  return { builds: await tables.dibImages.list(), images: await tables.images.list() };
}

/** The newest build whose files are there; 0: there is none. */
export function newestReady({ builds }: Pick<ImageRows, 'builds'>): number {
  return Math.max(0, ...builds.filter(({ state }) => state === 'ready').map(({ id }) => id));
}

/**
 * What a farm at rest should not have: rows that stand still, providers without the newest build, files, mounts, devices,
 * processes, jobs, images and servers that nobody knows. Nothing, if all promises are kept.
 * @param olderThan a build must be ready that is newer
 */
export async function findImageLeftovers(farm: ImageFarm, olderThan: number): Promise<readonly string[]> {
  const rows = await readImageRows(farm);
  const clouds = await Promise.all(PROVIDERS.map(async (name) => complaintsAboutCloud(farm, name, rows)));
  return [
    ...complaintsAboutRows(rows, olderThan),
    ...clouds.flat(),
    ...strayFiles(farm, rows),
    ...leftByBuilds(farm),
    ...(await jobsLeft(farm)),
  ];
}

function complaintsAboutRows(rows: ImageRows, olderThan: number): readonly string[] {
  const newest = newestReady(rows);
  const ready = rows.builds.filter(({ state }) => state === 'ready');
  const stuck = [...rows.builds, ...rows.images].filter(({ state }) => state !== 'ready');
  return [
    ...stuck.map((row) => `Row ${titleOf(row)} is stuck in ${row.state} at ${row.step ?? 'no step'}`),
    ...(newest > olderThan ? [] : [`No build is newer than ${olderThan}`]),
    ...(ready.length <= KEPT_BUILDS ? [] : [`There are ${ready.length} builds`]),
    ...PROVIDERS.filter((provider) => !servedBy(provider, rows.images).has(newest)).map(
      (provider) => `Provider ${provider} lacks build ${newest}`,
    ),
  ];
}

function titleOf(row: DibImage | SnapshotImage): string {
  return 'diskimage' in row ? `of build ${row.id}` : `of image ${row.id} in ${row.provider}`;
}

/** The builds that the provider has ready. */
export function servedBy(provider: ProviderName, images: readonly SnapshotImage[]): ReadonlySet<number> {
  const own = images.filter((row) => row.provider === provider && row.state === 'ready');
  return new Set(own.flatMap(({ dibImageId }) => dibImageId ?? []));
}

async function complaintsAboutCloud(
  farm: ImageFarm,
  provider: ProviderName,
  { images }: ImageRows,
): Promise<readonly string[]> {
  const overview = await overviewOf(farm, provider);
  if (overview === undefined) return [`Cloud ${provider} is dead`];
  const own = images.filter((row) => row.provider === provider);
  const known = new Set(own.map(({ externalId }) => externalId));
  const strays = overview.images.filter(({ id }) => !known.has(id));
  return [
    ...strays.map(({ name, id, status }) => `Image ${name} (${id}, ${status}) in ${provider} has no row`),
    ...own.flatMap((row) => halfImage(farm, { provider, row, overview }) ?? []),
    ...overview.servers.map(({ name }) => `Server ${name} in ${provider} has no owner`),
    ...overview.keypairs.map((name) => `Keypair ${name} in ${provider} has no owner`),
  ];
}

function halfImage(
  farm: ImageFarm,
  {
    provider,
    row,
    overview,
  }: { readonly provider: ProviderName; readonly row: SnapshotImage; readonly overview: CloudOverview },
): string | undefined {
  const { externalId = '', dibImageId, state } = row;
  if (state !== 'ready') return undefined; // told with the rows
  const image = overview.images.find(({ id }) => id === externalId);
  if (image?.status !== 'active') return `Row ${titleOf(row)} has an image that is ${image?.status ?? 'gone'}`;
  const path = join(farm.slot.imagesDir, `${dibImageId ?? 0}.${FORMATS[provider]}`);
  const isOld = !existsSync(path); // its build is superseded, or just now removed
  return isOld || isWhole(farm, provider, { id: externalId, path })
    ? undefined
    : `Row ${titleOf(row)} has half an image`;
}

/** What is there besides the whole files of builds that rows know. */
function strayFiles({ slot }: ImageFarm, { builds }: ImageRows): readonly string[] {
  const own = builds
    .filter(({ state }) => state === 'ready')
    .flatMap(({ id }) => Object.values(FORMATS).map((format) => `${id}.${format}`));
  const known = new Set(own.flatMap((name) => [name, ...CHECKSUMS.map((kind) => `${name}.${kind}`)]));
  const there = existsSync(slot.imagesDir) ? readdirSync(slot.imagesDir) : [];
  return [
    ...there.filter((name) => !known.has(name)).map((name) => `File ${name} in images-dir has no owner`),
    ...own.filter((name) => !there.includes(name)).map((name) => `File ${name} is not there`),
    ...readdirSync(slot.tempDir).map((name) => `File ${name} in TMPDIR has no owner`),
  ];
}

function leftByBuilds({ slot: { folder } }: ImageFarm): readonly string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return [
    ...mounts.filter((line) => line.includes(folder)).map((line) => `A mount is left: ${line}`),
    ...loopDevicesOf(folder).map((device) => `Loop device ${device} is left`),
    ...processesOf(folder).map((pid) => `Process ${pid} of a build is left`),
  ];
}

async function jobsLeft({ queue }: ImageFarm): Promise<readonly string[]> {
  const { servers } = await queue.read(neverAborted);
  const functions = servers.flatMap((server) => (server.state === 'fresh' ? server.functions : []));
  return [
    ...(servers.some(({ state }) => state === 'fresh') ? [] : ['gearmand does not answer']),
    ...functions.filter(({ total }) => total > 0).map(({ name, total }) => `gearmand has ${total} jobs ${name}`),
  ];
}
