import { buildDiskImage } from '../build-disk-image.ts';
import { defineCommand, UsageError } from '../command.ts';
import { refuseWhileFrozen } from '../refuse-while-frozen.ts';

export const imageBuild = defineCommand({
  name: 'image-build',
  summary: 'Build a disk image by diskimage-builder and wait until its files are there; the daemon then uploads it',
  positionals: [{ name: 'image', summary: 'the disk image' }],
  async run({ positionals }, context, signal) {
    const name = positionals['image'] ?? '';
    const { diskimages } = await context.config();
    if (!diskimages.some((diskimage) => diskimage.name === name)) {
      throw new UsageError(`Trying to build a non disk-image-builder image: ${name}`);
    }
    const stores = await context.stores();
    await refuseWhileFrozen(stores);
    await buildDiskImage(name, { dibImages: stores.dibImages, context, why: 'image-build' }, signal);
    return '';
  },
});
