import { buildName, type DibImage, parseBuildName } from '../../image/dib-image.ts';
import type { DibImageStore } from '../../image/dib-image-store.ts';
import { type CommandContext, defineCommand, UsageError } from '../command.ts';
import { parseId } from '../find-node.ts';
import { refuseWhileFrozen } from '../refuse-while-frozen.ts';

/** A builder that is there removes files within seconds. */
const GONE_MS = 60_000;
const POLL_MS = 500;

export const dibImageDelete = defineCommand({
  name: 'dib-image-delete',
  summary: 'Delete a build of a disk image and wait until its files are gone; what was uploaded goes on serving',
  positionals: [{ name: 'id', summary: 'the build, as its number or NAME-NNNNNNNNNN' }],
  async run({ positionals }, context, signal) {
    const text = positionals['id'] ?? '';
    const stores = await context.stores();
    const { dibImages, images } = stores;
    const build = await findBuild(text, dibImages);
    const isUploading = (await images.list({ states: ['building'] })).some(({ dibImageId }) => dibImageId === build.id);
    if (isUploading) throw new UsageError('Cannot delete because image upload in progress');
    await refuseWhileFrozen(stores);
    if (build.state === 'ready') {
      const cause = { who: `cli:${context.user}`, why: 'Deleted by an operator' };
      await dibImages.apply(build, 'deleted', cause); // changed meanwhile: then it is marked already
    }
    await awaitGone(build, { dibImages, context }, signal);
    return '';
  },
});

/** @throws {UsageError} there is none, or it is being built */
async function findBuild(text: string, dibImages: DibImageStore): Promise<DibImage> {
  const missing = `Build ${text} not found`;
  const name = parseBuildName(text);
  const build = await dibImages.find(name?.id ?? parseId(text, missing));
  if (build === undefined || (name !== undefined && name.diskimage !== build.diskimage)) throw new UsageError(missing);
  if (build.state === 'building') throw new UsageError('Cannot delete a build in progress');
  return build;
}

async function awaitGone(
  build: DibImage,
  { dibImages, context }: { readonly dibImages: DibImageStore; readonly context: CommandContext },
  signal: AbortSignal,
): Promise<void> {
  const { clock } = context;
  const startedMs = clock.monotonicMs();
  while ((await dibImages.find(build.id)) !== undefined) {
    if (clock.monotonicMs() - startedMs > GONE_MS) {
      throw new UsageError(
        `Build ${buildName(build)} is marked, but its files are still there: are nodepoold and its builder running?`,
      );
    }
    await clock.sleep(POLL_MS, signal);
  }
}
