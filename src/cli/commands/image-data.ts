import { readFile, rename, writeFile } from 'node:fs/promises';
import type { ImageData } from '../../image/image-data.ts';
import { describeError } from '../../runtime/errors.ts';
import { type CommandStores, defineCommand, UsageError } from '../command.ts';

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
    const text = renderImageData(await dibImages.list(), await images.list());
    try {
      // Beside it first: a file that is there keeps its text until the new one is whole, and not its mode.
      const temporary = `${path}.new`;
      await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
      await rename(temporary, path);
    } catch (error) {
      throw new UsageError(`Cannot write ${path}: ${describeError(error)}`, { cause: error });
    }
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
    return parseImageData(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`Cannot read ${path}: ${describeError(error)}`, { cause: error });
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
