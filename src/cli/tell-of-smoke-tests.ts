import { type WaitingImage, waitsForSmokeTest } from '../image/smoke-test.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { Node } from '../node/node.ts';
import { describeImage } from './await-image.ts';
import type { CommandContext } from './command.ts';

/** Tells, beside a table, which images wait for their smoke test, and how far that is. */
export async function tellOfSmokeTests(images: readonly SnapshotImage[], context: CommandContext): Promise<void> {
  const waiting = images.filter(waitsForSmokeTest);
  if (waiting.length === 0) return;
  const { nodes } = await context.stores();
  const building = await nodes.list({ states: ['building'] });
  for (const image of waiting) {
    const node = building.find(({ smokeImageId }) => smokeImageId === image.id);
    context.tell(`${describeImage(image)}, id ${image.id}, waits for its smoke test: ${progress(image, node)}`);
  }
}

function progress({ launchedAt, failedLaunches = 0, lastError }: WaitingImage, node: Node | undefined): string {
  if (launchedAt !== undefined) return 'it passed';
  const now = node === undefined ? 'no node is launched from it yet' : `node ${node.id} is launched from it`;
  if (failedLaunches === 0) return now;
  return `${now}, ${failedLaunches} failed: ${lastError ?? 'no reason'}`;
}
