import type { DibImage } from '../../../src/image/dib-image.ts';
import type { SnapshotImage } from '../../../src/image/snapshot-image.ts';
import { anImageSection, aProviderSection, configOf } from '../../builders/config-of.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

export const DAEMON = { who: 'image-builder', why: 'A test plays the daemon' };

/** Image `trusty`, built as `dib-trusty`, in `fake-provider` and `second`. */
export function dibContext(image: object = {}): FakeCommandContext {
  const context = new FakeCommandContext();
  const images = [anImageSection({ diskimage: 'dib-trusty', ...image })];
  context.configuration = configOf({
    diskimages: [{ name: 'dib-trusty' }],
    providers: [aProviderSection({ images }), aProviderSection({ name: 'second', images })],
  });
  return context;
}

/** A command under way, that waits for something. */
export async function start(
  context: FakeCommandContext,
  ...words: readonly string[]
): Promise<{ readonly ended: Promise<string> }> {
  const ended = runCommand(words, context);
  ended.catch(() => undefined); // awaited by the test, later
  await context.clock.untilSleeping();
  return { ended };
}

/** Ends the build as a daemon does. */
export async function endBuild(context: FakeCommandContext, lastError?: string): Promise<DibImage> {
  const row = context.dibImages.all().find(({ state }) => state === 'building');
  if (row === undefined) throw new Error('Nothing is being built');
  const facts = lastError === undefined ? { filename: `/images/${row.id}`, formats: ['qcow2'] } : { lastError };
  const ended = await context.dibImages.apply(row, lastError === undefined ? 'built' : 'failed', DAEMON, facts);
  await context.clock.advance(500);
  return ended ?? row;
}

/** Ends all uploads as a daemon does. */
export async function endUploads(context: FakeCommandContext): Promise<readonly SnapshotImage[]> {
  const rows = context.images.all().filter(({ state }) => state === 'building');
  for (const row of rows) await context.images.apply(row, 'built', DAEMON, { externalId: `cloud-${row.id}` });
  await context.clock.advance(500);
  return rows;
}
