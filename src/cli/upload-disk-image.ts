import { type DibImage, placeOf } from '../image/dib-image.ts';
import { newVersion } from '../image/image-rules.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import { awaitImage, describeImage } from './await-image.ts';
import { type CommandContext, type CommandStores, UsageError } from './command.ts';

type Place = { readonly provider: string; readonly image: string };
/** `isEnough`: one that is there already, or on its way, will do. */
export type WantedUpload = Place & { readonly build: DibImage; readonly isEnough: boolean };

type Deps = {
  readonly stores: Pick<CommandStores, 'images' | 'dibImages'>;
  readonly context: CommandContext;
  readonly why: string;
};

/**
 * Asks the daemon to upload a build to a provider, tells the steps, and waits until it is ready.
 * @throws {UsageError} it failed, one is under way, or nobody works on it
 */
export async function uploadDiskImage(wanted: WantedUpload, deps: Deps, signal: AbortSignal): Promise<void> {
  const row = await findOrRequest(wanted, deps);
  await awaitImage(row, { images: deps.stores.images, context: deps.context }, signal);
}

async function findOrRequest(wanted: WantedUpload, { stores, context, why }: Deps): Promise<SnapshotImage> {
  const { provider, image, build, isEnough } = wanted;
  const place = { provider, image };
  await allowAgain(place, build, stores);
  const known = async (): Promise<SnapshotImage | undefined> => {
    const rows = await stores.images.list({ ...place, states: ['building', 'ready'] });
    return isEnough ? rows.find(({ dibImageId }) => dibImageId === build.id) : undefined;
  };
  const found = await known();
  if (found !== undefined) return found;
  const version = newVersion(place, await stores.images.list(place), context.clock.now());
  const cause = { who: `cli:${context.user}`, why };
  const row = (await stores.images.insert({ ...place, version, dibImageId: build.id }, cause)) ?? (await known());
  if (row === undefined) throw new UsageError(`${describeImage(place)} is already being uploaded`);
  return row;
}

/** What an operator took back is wanted again. */
async function allowAgain(
  place: Place,
  build: DibImage,
  { dibImages }: Pick<CommandStores, 'dibImages'>,
): Promise<void> {
  const withdrawnFrom = build.withdrawnFrom.filter((each) => each !== placeOf(place));
  if (withdrawnFrom.length < build.withdrawnFrom.length) await dibImages.record(build.id, { withdrawnFrom });
}

/**
 * Waits for all, and then tells of those that failed.
 * @throws {UsageError} some failed
 */
export async function awaitAll(works: readonly Promise<void>[], signal: AbortSignal): Promise<void> {
  const outcomes = await Promise.allSettled(works);
  signal.throwIfAborted(); // the work goes on without us
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  if (failed.length === 0) return;
  const reasons = failed.map(({ reason }) => (reason instanceof Error ? reason.message : String(reason)));
  throw new UsageError([...new Set(reasons)].join('\n'));
}
