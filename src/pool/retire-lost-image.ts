import type { ProviderImageConfig } from '../config/config.ts';
import { newVersion } from '../image/image-rules.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { RequestRefusedError } from '../provider/errors.ts';
import { LaunchError } from './launch-error.ts';
import type { Launch, LaunchDeps } from './launch.ts';

/** An image with its id in the cloud. */
export type UsableImage = SnapshotImage & { readonly externalId: string };

/** Glance's words for an image that no server can be made of any more. */
const GONE = new Set(['deleted', 'pending_delete', 'killed']);

/** A create call that the cloud refused, and the image it named. */
export type RefusedLaunch = {
  readonly launch: Launch;
  readonly image: UsableImage;
  readonly refusal: RequestRefusedError;
};

/**
 * Looks whether the cloud refused a server because its image is gone. If so, the image's row goes too, so that the image
 * before it serves, and a snapshot is built anew. Does nothing where the image is there, or the cloud does not say.
 * @throws {LaunchError} the image is gone
 */
export async function retireLostImage(refused: RefusedLaunch, deps: LaunchDeps, signal: AbortSignal): Promise<void> {
  const { launch, image, refusal } = refused;
  if (!(await isGone(image, deps, signal))) return;
  const why = `The cloud has no image ${image.externalId} any more`;
  const retired = await deps.images.apply(image, 'deleted', { who: 'launcher', why });
  if (retired !== undefined) {
    deps.log.warn(`Image ${image.image} (${image.externalId}) is gone from ${image.provider}`, { image: image.id });
    if (isBuiltBySnapshot(launch.image)) await requestRebuild(image, why, deps);
  }
  throw new LaunchError({ outcome: 'error.nodepool', blames: 'nobody' }, why, { cause: refusal });
}

async function isGone({ externalId }: UsableImage, deps: LaunchDeps, signal: AbortSignal): Promise<boolean> {
  try {
    const found = await deps.cloud.findImage(externalId, signal);
    return found === undefined || GONE.has(found.status);
  } catch (error) {
    signal.throwIfAborted();
    deps.log.debug(`Cannot look for image ${externalId} in ${deps.cloud.name}`, { error });
    return false; // the refusal stands for itself
  }
}

function isBuiltBySnapshot({ baseImage, setup, diskimage, pause }: ProviderImageConfig): boolean {
  return baseImage !== undefined && setup !== undefined && diskimage === undefined && !pause;
}

/** Beside an older image that still serves, nothing else would ask before the next cron. */
async function requestRebuild({ provider, image }: UsableImage, why: string, deps: LaunchDeps): Promise<void> {
  const version = newVersion({ provider, image }, await deps.images.list({ provider, image }), deps.clock.now());
  await deps.images.insert({ provider, image, version }, { who: 'launcher', why });
}
