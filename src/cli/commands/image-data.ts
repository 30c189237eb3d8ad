import type { ImageData } from '../../image/image-data.ts';
import { describeError } from '../../runtime/errors.ts';
import { readTextFile } from '../../runtime/read-text-file.ts';
import { type CommandStores, defineCommand, UsageError } from '../command.ts';
import { saveFile } from '../save-file.ts';

const PATH = { name: 'path', summary: 'the file' };

/** As nodepool 3. */
export const exportImageData = defineCommand({
  name: 'export-image-data',
  summary: 'Write the rows of all images that are ready, with their ids in the clouds, to a file for another database',
  positionals: [PATH],
  async run({ positionals }, context) {
    const path = positionals['path'] ?? '';
    const { dibImages, images } = await context.stores();
    const { renderImageData } = await import('../../image/image-data.ts');
    await saveFile(path, renderImageData(await dibImages.list(), await images.list()));
    return '';
  },
});

export const importImageData = defineCommand({
  name: 'import-image-data',
  summary: 'Add the images of such a file; ids that exist are refused',
  positionals: [PATH],
  async run({ positionals }, context) {
    const path = positionals['path'] ?? '';
    const data = await read(path);
    const stores = await context.stores();
    await refuseKnown(data, stores);
    await stores.imageData.restore(data, { who: `cli:${context.user}`, why: `Imported from ${path}` });
    context.tell(`Imported ${data.builds.length} disk images and ${data.images.length} images of providers`);
    return '';
  },
});

async function read(path: string): Promise<ImageData> {
  const { parseImageData } = await import('../../image/image-data.ts');
  try {
    const text = await readTextFile(path);
    if (text === undefined) throw new Error('there is no such file');
    return parseImageData(text);
  } catch (error) {
    throw new UsageError(`Cannot import "${path}": ${describeError(error)}`, { cause: error });
  }
}

/** @throws {UsageError} an id exists */
async function refuseKnown({ builds, images }: ImageData, stores: CommandStores): Promise<void> {
  const knownBuilds = new Set((await stores.dibImages.list()).map(({ id }) => id));
  const knownImages = new Set((await stores.images.list()).map(({ id }) => id));
  const known = [
    ...builds.filter(({ id }) => knownBuilds.has(id)).map(({ id }) => `disk image ${id}`),
    ...images.filter(({ id }) => knownImages.has(id)).map(({ id }) => `image ${id}`),
  ];
  if (known.length > 0) throw new UsageError(`Nothing is imported, for there is already: ${known.join(', ')}`);
}
