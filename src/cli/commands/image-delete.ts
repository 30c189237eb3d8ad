import { parseBuildName, placeOf } from '../../image/dib-image.ts';
import type { SnapshotImage } from '../../image/snapshot-image.ts';
import { describeError } from '../../runtime/errors.ts';
import {
  type CommandArguments,
  type CommandContext,
  type CommandStores,
  defineCommand,
  UsageError,
} from '../command.ts';
import { parseId } from '../find-node.ts';
import { refuseWhileFrozen } from '../refuse-while-frozen.ts';

export const imageDelete = defineCommand({
  name: 'image-delete',
  summary: 'Delete an image from its provider and wait until it is gone; the image before it serves again',
  positionals: [{ name: 'id', summary: 'the image, or NAME-NNNNNNNNNN: all uploads of that build', isOptional: true }],
  options: [
    { flags: '--force', summary: 'drop the row though the cloud refuses' },
    { flags: '--provider <provider>', summary: 'instead of the id, with the three below: where the upload is' },
    { flags: '--image <image>', summary: 'its image' },
    { flags: '--upload-id <id>', summary: 'its own id' },
    { flags: '--build-id <id>', summary: 'the id of its build' },
  ],
  async run(args, context, signal) {
    const stores = await context.stores();
    const images = await chosenImages(args, stores);
    await refuseWhileFrozen(stores);
    const isForced = args.options['force'] === true;
    for (const image of images) await deleteOne(image, { stores, context, isForced }, signal);
    return '';
  },
});

const LONG_FORM = ['provider', 'image', 'uploadId', 'buildId'] as const;

/** @throws {UsageError} there is none */
async function chosenImages(
  { positionals, options }: CommandArguments,
  stores: CommandStores,
): Promise<readonly SnapshotImage[]> {
  const given = LONG_FORM.map((name) => options[name]).filter((value) => typeof value === 'string');
  const text = positionals['id'];
  if (text !== undefined && given.length > 0) throw new UsageError('Give either an id or the four options');
  if (text !== undefined) return await byText(text, stores);
  const [provider, image, upload, build] = given;
  if (provider === undefined || image === undefined || upload === undefined || build === undefined) {
    throw new UsageError('Give an id, or all of --provider, --image, --upload-id and --build-id');
  }
  return [await findUpload({ provider, image, upload, build }, stores)];
}

async function byText(text: string, { images }: CommandStores): Promise<readonly SnapshotImage[]> {
  const build = parseBuildName(text);
  if (build !== undefined) {
    const uploads = (await images.list()).filter(({ dibImageId }) => dibImageId === build.id);
    if (uploads.length === 0) throw new UsageError(`No image '${text}' found.`);
    return uploads;
  }
  const image = await images.find(parseId(text, `No image '${text}' found.`));
  if (image === undefined) throw new UsageError(`No image '${text}' found.`);
  return [image];
}

type LongForm = Readonly<Record<'provider' | 'image' | 'upload' | 'build', string>>;

async function findUpload(wanted: LongForm, { images }: CommandStores): Promise<SnapshotImage> {
  const row = await images.find(parseId(wanted.upload, 'Image upload not found'));
  const isIt =
    row?.provider === wanted.provider &&
    row.image === wanted.image &&
    row.dibImageId === parseId(wanted.build, 'Image upload not found');
  if (row === undefined || !isIt) throw new UsageError('Image upload not found');
  if (row.state === 'building') throw new UsageError('Cannot delete because image upload in progress');
  return row;
}

type Deletion = { readonly stores: CommandStores; readonly context: CommandContext; readonly isForced: boolean };

async function deleteOne(image: SnapshotImage, deletion: Deletion, signal: AbortSignal): Promise<void> {
  const { stores, context, isForced } = deletion;
  await withdraw(image, stores);
  const marked = await markForDeletion(image, deletion);
  if (marked === undefined) return;
  try {
    await context.deleteImageNow(marked, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!isForced) throw error;
    const cause = { who: `cli:${context.user}`, why: `Forced, though the cloud refuses: ${describeError(error)}` };
    await stores.images.remove(marked, cause);
    const left = marked.externalId === undefined ? 'What it may have' : `Image ${marked.externalId}`;
    context.tell(`${left} stays in ${marked.provider}: ${describeError(error)}`);
  }
}

/** Else the daemon would upload the same build again. */
async function withdraw(image: SnapshotImage, { dibImages }: CommandStores): Promise<void> {
  const build = image.dibImageId === undefined ? undefined : await dibImages.find(image.dibImageId);
  const place = placeOf(image);
  if (build === undefined || build.withdrawnFrom.includes(place)) return;
  await dibImages.record(build.id, { withdrawnFrom: [...build.withdrawnFrom, place] });
}

async function markForDeletion(image: SnapshotImage, deletion: Deletion): Promise<SnapshotImage | undefined> {
  if (image.state === 'delete') return image;
  const { stores, context } = deletion;
  const cause = { who: `cli:${context.user}`, why: 'Deleted by an operator' };
  const marked = await stores.images.apply(image, 'deleted', cause);
  if (marked !== undefined) return marked;
  const now = await stores.images.find(image.id);
  return now === undefined ? undefined : await markForDeletion(now, deletion);
}
