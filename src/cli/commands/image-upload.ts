import type { Config, ProviderConfig } from '../../config/config.ts';
import type { DibImage } from '../../image/dib-image.ts';
import { newestBuild } from '../../image/dib-rules.ts';
import { chosenProviders } from '../chosen-providers.ts';
import { type CommandContext, type CommandStores, defineCommand, UsageError } from '../command.ts';
import { refuseWhileFrozen } from '../refuse-while-frozen.ts';
import { awaitAll, uploadDiskImage } from '../upload-disk-image.ts';

export const imageUpload = defineCommand({
  name: 'image-upload',
  summary: 'Upload the newest build of a disk image to a provider (or to all) and wait until it is ready',
  positionals: [
    { name: 'provider', summary: 'the provider, or "all"; may be left out' },
    { name: 'image', summary: 'the image as the providers name it', isOptional: true },
  ],
  async run({ positionals }, context, signal) {
    const { provider = '', image } = positionals;
    const wanted = image === undefined ? { name: 'all', image: provider } : { name: provider, image };
    const destinations = findDestinations(await context.config(), wanted, context);
    const stores = await context.stores();
    await refuseWhileFrozen(stores);
    const builds = new Map<string, DibImage>();
    for (const { diskimage } of destinations) builds.set(diskimage, await newestOf(diskimage, stores));
    const uploads = destinations.flatMap((each) => {
      const build = builds.get(each.diskimage);
      return build === undefined ? [] : [{ provider: each.provider, image: wanted.image, build, isEnough: false }];
    });
    const deps = { stores, context, why: 'image-upload' };
    await awaitAll(
      uploads.map((upload) => uploadDiskImage(upload, deps, signal)),
      signal,
    );
    return '';
  },
});

type Destination = { readonly provider: string; readonly diskimage: string };

function findDestinations(
  config: Config,
  { name, image }: { readonly name: string; readonly image: string },
  context: CommandContext,
): readonly Destination[] {
  const isAll = name === 'all';
  const chosen = chosenProviders(isAll ? undefined : name, config);
  const having = chosen.filter(({ images }) => images.some((each) => each.name === image));
  if (having.length === 0) throw new UsageError(`Image ${image} not in use by provider ${name}`);
  const refusal = `Trying to upload a non disk-image-builder image: ${image}`;
  const found = having.flatMap((provider) => {
    const diskimage = diskimageOf(provider, image);
    if (diskimage === undefined && isAll) context.tell(`${refusal} (on ${provider.name}, which is left out)`);
    return diskimage === undefined ? [] : [{ provider: provider.name, diskimage }];
  });
  if (found.length === 0) throw new UsageError(refusal);
  return found;
}

function diskimageOf({ images }: ProviderConfig, image: string): string | undefined {
  return images.find(({ name }) => name === image)?.diskimage;
}

async function newestOf(diskimage: string, { dibImages }: Pick<CommandStores, 'dibImages'>): Promise<DibImage> {
  const build = newestBuild(await dibImages.list({ diskimage, states: ['ready'] }));
  if (build === undefined) {
    throw new UsageError(`No build of disk image ${diskimage} is ready: run "nodepool image-build ${diskimage}" first`);
  }
  return build;
}
