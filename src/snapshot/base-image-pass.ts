import { baseInUse, watchedImages, type WatchedImage } from '../image/base-image-rules.ts';
import { isHindered } from '../image/dib-rules.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { PartedPass } from '../runtime/parted-pass.ts';
import { type ImagePassDeps, requestBuild } from './image-pass.ts';

export type BaseImagePassDeps = Pick<
  ImagePassDeps,
  'images' | 'imagePauses' | 'clock' | 'config' | 'cloudOf' | 'log'
> & {
  /** A provider whose cloud hangs holds up no other. */
  readonly eachProvider: Pick<PartedPass, 'run'>;
};

/**
 * Asks each cloud once for each base image that is watched (`rebuild-on-base-change`), and asks for a build where it is another
 * one than that of the newest image. Costs nothing where none is watched.
 */
export async function runBaseImagePass(deps: BaseImagePassDeps, signal: AbortSignal): Promise<void> {
  const watched = await comparable(watchedImages(deps.config()), deps);
  const providers = new Set(watched.map(({ provider }) => provider.name));
  const parts = [...providers].flatMap((name) => {
    const cloud = deps.cloudOf(name);
    if (cloud === undefined) return [];
    const own = watched.filter(({ provider }) => provider.name === name);
    return [{ name, pass: (inner: AbortSignal) => lookAt(own, { ...deps, cloud }, inner) }];
  });
  if (parts.length > 0) await deps.eachProvider.run(parts, signal);
}

/** Those that may be built now and have a base image to compare with. */
async function comparable(
  watched: readonly WatchedImage[],
  { images, imagePauses, clock, config }: BaseImagePassDeps,
): Promise<readonly WatchedImage[]> {
  if (watched.length === 0) return [];
  const [rows, failures, pauses] = await Promise.all([images.list(), images.listFailures(), imagePauses.list()]);
  const hindrances = { failures, paused: new Set(pauses.map(({ name }) => name)) };
  const moment = { now: clock.now(), config: config() };
  return watched.filter((each) => baseInUse(each, rows) !== undefined && !isHindered(each, hindrances, moment));
}

async function lookAt(
  watched: readonly WatchedImage[],
  deps: BaseImagePassDeps & { readonly cloud: CloudProvider },
  signal: AbortSignal,
): Promise<void> {
  for (const baseImage of new Set(watched.map((each) => each.baseImage))) {
    const found = await deps.cloud.findImage(baseImage, signal);
    // None for a while: the operator is about to replace it.
    if (found?.status !== 'active') continue;
    // Looked at anew, for the answer may have taken minutes.
    const own = await comparable(
      watched.filter((each) => each.baseImage === baseImage),
      deps,
    );
    for (const each of own) await compare(each, found.id, deps);
  }
}

async function compare(wanted: WatchedImage, id: string, deps: BaseImagePassDeps): Promise<void> {
  const { provider, image, baseImage } = wanted;
  const before = baseInUse(wanted, await deps.images.list({ provider: provider.name, image: image.name }));
  if (before === undefined || before === id) return;
  const why = `Base image "${baseImage}" was replaced: it is ${id}, and was ${before}`;
  deps.log.info(`Image ${image.name} on ${provider.name} is built anew: ${why}`);
  await requestBuild(wanted, deps, why);
}
