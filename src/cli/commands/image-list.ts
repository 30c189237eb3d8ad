import { buildName, type DibImage } from '../../image/dib-image.ts';
import type { SnapshotImage } from '../../image/snapshot-image.ts';
import { type CommandContext, type CommandStores, defineCommand } from '../command.ts';
import { formatAge } from '../format-age.ts';
import { renderTable } from '../render-table.ts';
import { nextTry, times } from '../tell-of-failure.ts';
import { tellOfFreeze } from '../tell-of-freeze.ts';
import { tellOfSmokeTests } from '../tell-of-smoke-tests.ts';

const HEADER = ['ID', 'Provider', 'Image', 'Hostname', 'Version', 'Image ID', 'Server ID', 'State', 'Age'];
const DETAIL_HEADER = [
  'Build ID',
  'Upload ID',
  'Provider',
  'Image',
  'Provider Image Name',
  'Provider Image ID',
  'State',
  'Age',
];

export const imageList = defineCommand({
  name: 'image-list',
  summary: 'List the images in the providers',
  options: [{ flags: '--detail', summary: 'with the builds that were uploaded' }],
  async run({ options }, context) {
    const stores = await context.stores();
    const all = await stores.images.list();
    const table = options['detail'] === true ? await detailed(all, stores, context) : plain(all, context);
    await tellFailures(all, stores, context);
    await tellOfSmokeTests(all, context);
    await tellOfFreeze(context);
    return table;
  },
});

function plain(images: readonly SnapshotImage[], { clock }: CommandContext): string {
  const now = clock.now();
  const rows = images.map((image) => [
    image.id,
    image.provider,
    image.image,
    image.hostname,
    image.version,
    image.externalId,
    image.serverExternalId,
    image.state,
    formatAge(image.stateChangedAt, now),
  ]);
  return renderTable(HEADER, rows);
}

async function detailed(
  images: readonly SnapshotImage[],
  { dibImages }: CommandStores,
  { clock }: CommandContext,
): Promise<string> {
  const now = clock.now();
  const builds = new Map((await dibImages.list()).map((build) => [build.id, build]));
  const rows = images.map((image) => [
    buildOf(image, builds),
    image.id,
    image.provider,
    image.image,
    image.hostname,
    image.externalId,
    image.state,
    formatAge(image.stateChangedAt, now),
  ]);
  return renderTable(DETAIL_HEADER, rows);
}

/** Its number where the files and their row are gone; none of a snapshot. */
function buildOf({ dibImageId }: SnapshotImage, builds: ReadonlyMap<number, DibImage>): string | undefined {
  if (dibImageId === undefined) return undefined;
  const build = builds.get(dibImageId);
  return build === undefined ? String(dibImageId) : buildName(build);
}

/** Beside the table, whose layout programs rely on. */
async function tellFailures(
  all: readonly SnapshotImage[],
  { images }: CommandStores,
  context: CommandContext,
): Promise<void> {
  const now = context.clock.now();
  const serving = new Map(
    all.filter(({ state }) => state === 'ready').map((row) => [`${row.provider} ${row.image}`, row]),
  );
  for (const failure of await images.listFailures()) {
    const { provider, image, lastError } = failure;
    const row = serving.get(`${provider} ${image}`);
    // An upload is tried again in any case, a snapshot only where there is none.
    const waits = row !== undefined && row.dibImageId === undefined;
    const next = waits ? 'the one before it serves until the next update' : nextTry(failure, now);
    context.tell(`Image ${image} on ${provider} failed ${times(failure)}, ${next}: ${lastError}`);
  }
}
