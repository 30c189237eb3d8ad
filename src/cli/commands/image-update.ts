import type { Config, ProviderConfig, ProviderImageConfig } from '../../config/config.ts';
import { newVersion } from '../../image/image-rules.ts';
import type { ImageStore } from '../../image/image-store.ts';
import type { SnapshotImage } from '../../image/snapshot-image.ts';
import { awaitImage } from '../await-image.ts';
import { buildDiskImage } from '../build-disk-image.ts';
import { chosenProviders } from '../chosen-providers.ts';
import { type CommandContext, type CommandStores, defineCommand, UsageError } from '../command.ts';
import { refuseWhileFrozen } from '../refuse-while-frozen.ts';
import { awaitAll, uploadDiskImage } from '../upload-disk-image.ts';

export const imageUpdate = defineCommand({
  name: 'image-update',
  summary:
    'Build a new image in a provider (or in all) and wait until it is ready; a disk image is built, then uploaded',
  positionals: [
    { name: 'provider', summary: 'the provider, or "all"' },
    { name: 'image', summary: 'the image' },
  ],
  async run({ positionals }, context, signal) {
    const image = positionals['image'] ?? '';
    const wanted = findWanted(await context.config(), positionals['provider'] ?? '', image);
    const stores = await context.stores();
    await refuseWhileFrozen(stores);
    const deps = { stores, context };
    const snapshots = wanted.filter(({ diskimage }) => diskimage === undefined);
    await awaitAll(
      [
        ...snapshots.map(({ provider }) => buildSnapshot({ provider, image }, deps, signal)),
        ...byDiskimage(wanted).map(([diskimage, providers]) =>
          buildAndUpload({ diskimage, providers, image }, deps, signal),
        ),
      ],
      signal,
    );
    return '';
  },
});

type Wanted = { readonly provider: string; readonly diskimage: ProviderImageConfig['diskimage'] };
type Deps = { readonly stores: CommandStores; readonly context: CommandContext };

function findWanted(config: Config, provider: string, image: string): readonly Wanted[] {
  const owners = chosenProviders(provider === 'all' ? undefined : provider, config);
  const isUsed = config.labels.some((label) => label.image === image);
  if (!isUsed) throw new UsageError(`Image specified, ${image}, is not in use.`);
  const having = owners.filter((each) => each.images.some(({ name }) => name === image));
  if (having.length === 0) throw new UsageError(`Image ${image} not in use by provider ${provider}`);
  for (const each of having) refuseUnknown(each, { image, config });
  return having.map((each) => ({ provider: each.name, diskimage: sectionOf(each, image)?.diskimage }));
}

function sectionOf({ images }: ProviderConfig, image: string): ProviderImageConfig | undefined {
  return images.find(({ name }) => name === image);
}

function refuseUnknown(
  provider: ProviderConfig,
  { image, config }: { readonly image: string; readonly config: Config },
): void {
  const diskimage = sectionOf(provider, image)?.diskimage;
  if (diskimage === undefined || config.diskimages.some(({ name }) => name === diskimage)) return;
  throw new UsageError(`Image ${image} of ${provider.name} names disk image ${diskimage}, which is not configured`);
}

function byDiskimage(wanted: readonly Wanted[]): readonly (readonly [string, readonly string[]])[] {
  const groups = new Map<string, string[]>();
  for (const { provider, diskimage } of wanted) {
    if (diskimage !== undefined) groups.set(diskimage, [...(groups.get(diskimage) ?? []), provider]);
  }
  return [...groups];
}

async function buildSnapshot(
  wanted: { readonly provider: string; readonly image: string },
  { stores, context }: Deps,
  signal: AbortSignal,
): Promise<void> {
  const row = await requestSnapshot(wanted, stores.images, context);
  await awaitImage(row, { images: stores.images, context }, signal);
}

async function requestSnapshot(
  wanted: { readonly provider: string; readonly image: string },
  images: ImageStore,
  context: CommandContext,
): Promise<SnapshotImage> {
  const version = newVersion(wanted, await images.list(wanted), context.clock.now());
  const cause = { who: `cli:${context.user}`, why: 'image-update' };
  const row = await images.insert({ ...wanted, version }, cause);
  if (row === undefined) throw new UsageError(`Image ${wanted.image} on ${wanted.provider} is already being built`);
  return row;
}

/** The daemon uploads a new build by itself; where it does not, because the image is paused, the operator's wish counts. */
async function buildAndUpload(
  update: { readonly diskimage: string; readonly providers: readonly string[]; readonly image: string },
  { stores, context }: Deps,
  signal: AbortSignal,
): Promise<void> {
  const { diskimage, providers, image } = update;
  const why = 'image-update';
  const build = await buildDiskImage(diskimage, { dibImages: stores.dibImages, context, why }, signal);
  const uploads = providers.map((provider) =>
    uploadDiskImage({ provider, image, build, isEnough: true }, { stores, context, why }, signal),
  );
  await awaitAll(uploads, signal);
}
