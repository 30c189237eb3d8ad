import type { BuildFailure } from '../../image/snapshot-image.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { formatAge } from '../format-age.ts';
import { renderTable } from '../render-table.ts';
import { tellOfFreeze } from '../tell-of-freeze.ts';

const HEADER = ['ID', 'Provider', 'Image', 'Hostname', 'Version', 'Image ID', 'Server ID', 'State', 'Age'];

export const imageList = defineCommand({
  name: 'image-list',
  summary: 'List the images in the providers',
  async run(_args, context) {
    const { images } = await context.stores();
    const now = context.clock.now();
    const all = await images.list();
    const rows = all.map((image) => [
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
    const serving = new Set(
      all.filter(({ state }) => state === 'ready').map(({ provider, image }) => `${provider} ${image}`),
    );
    for (const failure of await images.listFailures()) {
      const serves = serving.has(`${failure.provider} ${failure.image}`);
      const next = serves ? 'the one before it serves until the next update' : nextTry(failure, now);
      tellFailure(failure, next, context);
    }
    await tellOfFreeze(context);
    return renderTable(HEADER, rows);
  },
});

/** Beside the table, whose layout programs rely on. */
function tellFailure(
  { provider, image, failures, lastError }: BuildFailure,
  next: string,
  context: CommandContext,
): void {
  const times = failures === 1 ? 'once' : `${failures} times in a row`;
  context.tell(`Image ${image} on ${provider} failed ${times}, ${next}: ${lastError}`);
}

function nextTry({ retryAt }: BuildFailure, now: Date): string {
  return retryAt > now ? `tried again at ${retryAt.toISOString().slice(0, 19)}Z` : 'tried again now';
}
