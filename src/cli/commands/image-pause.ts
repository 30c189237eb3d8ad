import { type CommandContext, defineCommand, UsageError } from '../command.ts';

const NAME = { name: 'image', summary: 'a disk image, or an image of the providers' };

export const imagePause = defineCommand({
  name: 'image-pause',
  summary: 'Build an image only when asked to by a command; what is there goes on serving',
  positionals: [NAME],
  async run({ positionals }, context) {
    const name = await knownName(positionals['image'] ?? '', context);
    const { imagePauses } = await context.stores();
    const isNew = await imagePauses.pause(name, { who: `cli:${context.user}` });
    if (!isNew) context.tell(`Image ${name} was paused already`);
    return '';
  },
});

export const imageUnpause = defineCommand({
  name: 'image-unpause',
  summary: 'End the pause of an image',
  positionals: [NAME],
  async run({ positionals }, context) {
    const name = positionals['image'] ?? '';
    const { imagePauses } = await context.stores();
    if (await imagePauses.unpause(name)) return '';
    const { diskimages, providers } = await context.config();
    const images = [...diskimages, ...providers.flatMap((provider) => provider.images)];
    const isInFile = images.some((each) => each.name === name && each.pause);
    throw new UsageError(
      isInFile ? `Image ${name} is paused by "pause" in ${context.configPath}` : `Image ${name} is not paused`,
    );
  },
});

/** @throws {UsageError} the configuration has no image of that name */
async function knownName(name: string, context: CommandContext): Promise<string> {
  const { diskimages, providers } = await context.config();
  const images = [...diskimages, ...providers.flatMap((provider) => provider.images)];
  if (images.some((each) => each.name === name)) return name;
  throw new UsageError(`No image '${name}' found.`);
}
