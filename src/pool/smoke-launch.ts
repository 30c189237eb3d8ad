import { needsSmokeNode } from '../image/smoke-test.ts';
import type { Node } from '../node/node.ts';
import { type LaunchBlame, LaunchEndedError, LaunchError } from './launch-error.ts';
import { endedMessage } from './launch-steps.ts';
import type { Launch, LaunchDeps } from './launch.ts';
import type { UsableImage } from './retire-lost-image.ts';

type OfImages = Pick<LaunchDeps, 'images'>;

/**
 * The image that a smoke test's node tries.
 * @throws {LaunchError} it waits for no smoke test any more
 */
export async function smokedImage(imageId: number, { images }: OfImages): Promise<UsableImage> {
  const image = await images.find(imageId);
  if (image !== undefined && needsSmokeNode(image)) return image;
  const kind = { outcome: 'error.nodepool', blames: 'nobody' } as const;
  throw new LaunchError(kind, `Image id: ${imageId} waits for no smoke test any more`);
}

/** The machine of a smoke test is prepared: that is all. The image first, for the row's end is the test's. */
export async function passSmokeTest(prepared: Node, imageId: number, deps: LaunchDeps): Promise<Node> {
  const why = `Node ${prepared.id} was launched from it`;
  await deps.images.noteLaunch(imageId, 'launched', { who: 'launcher', why });
  const cause = { who: 'launcher', why: `The machine is prepared: image ${imageId} is good` };
  const node = await deps.nodes.apply(prepared, 'smokeTested', cause);
  if (node === undefined) throw new LaunchEndedError(endedMessage(prepared));
  deps.log.info(`Node id: ${node.id} passed the smoke test of image id: ${imageId}`);
  return node;
}

/** Stores that a launch from the image worked, where its section asks for it and nobody did before. */
export async function noteLaunched({ node, image }: Launch, { images }: OfImages): Promise<void> {
  if (image.rollbackAfter <= 0 || node.imageId === undefined) return;
  const row = await images.find(node.imageId);
  if (row === undefined || (row.launchedAt !== undefined && row.failedLaunches === undefined)) return;
  await images.noteLaunch(row.id, 'launched', { who: 'launcher', why: `Node ${node.id} was launched from it` });
}

/** A launch that failed, with the row as its end left it. */
export type FailedLaunch = { readonly node: Node; readonly image: Launch['image']; readonly why: string };

/** Counts a failed launch from the image, where its section asks for it and the image may be to blame. */
export async function noteLaunchFailed(
  { node, image, why }: FailedLaunch,
  blames: LaunchBlame,
  { images }: OfImages,
): Promise<void> {
  const { smokeImageId, imageId } = node;
  const cause = { who: 'launcher', why: `Node ${node.id}: ${why}` };
  if (smokeImageId !== undefined) {
    // A cloud may refuse an image for what it is: larger than the flavor's disk.
    if (blames === 'machine' || blames === 'request') await images.noteLaunch(smokeImageId, 'launchFailed', cause);
  } else if (image.rollbackAfter > 0 && blames === 'machine' && imageId !== undefined) {
    await images.noteLaunch(imageId, 'launchFailed', cause);
  }
}
