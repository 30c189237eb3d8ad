import type { ImageStore } from '../../image/image-store.ts';
import type { SnapshotImage } from '../../image/snapshot-image.ts';
import { type CommandContext, defineCommand, UsageError } from '../command.ts';
import { parseId } from '../find-node.ts';
import { refuseWhileFrozen } from '../refuse-while-frozen.ts';

export const imageDelete = defineCommand({
  name: 'image-delete',
  summary: 'Delete an image from its provider and wait until it is gone; the image before it serves again',
  positionals: [{ name: 'id', summary: 'the image' }],
  async run({ positionals }, context, signal) {
    const stores = await context.stores();
    const { images } = stores;
    const text = positionals['id'] ?? '';
    const image = await images.find(parseId(text, `No image '${text}' found.`));
    if (image === undefined) throw new UsageError(`No image '${text}' found.`);
    await refuseWhileFrozen(stores);
    const marked = await markForDeletion(image, images, context);
    if (marked !== undefined) await context.deleteImageNow(marked, signal);
    return '';
  },
});

async function markForDeletion(
  image: SnapshotImage,
  images: ImageStore,
  context: CommandContext,
): Promise<SnapshotImage | undefined> {
  if (image.state === 'delete') return image;
  const cause = { who: `cli:${context.user}`, why: 'Deleted by an operator' };
  const marked = await images.apply(image, 'deleted', cause);
  if (marked !== undefined) return marked;
  const now = await images.find(image.id);
  return now === undefined ? undefined : await markForDeletion(now, images, context);
}
