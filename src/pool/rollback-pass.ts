import type { Config } from '../config/config.ts';
import { placeOf } from '../image/dib-image.ts';
import type { DibImageStore } from '../image/dib-image-store.ts';
import { failureOfImage, type ImageFailures } from '../image/image-failures.ts';
import type { ImageStore } from '../image/image-store.ts';
import { storeImageFailure } from '../image/store-image-failure.ts';
import { type BadImage, badImages } from '../image/rollback-rules.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';

const WHO = 'rollback';

export type RollbackDeps = {
  readonly config: () => Config;
  readonly images: ImageStore;
  readonly dibImages: Pick<DibImageStore, 'find' | 'record'>;
  readonly nodes: Pick<NodeStore, 'list'>;
  readonly imageFailures: ImageFailures;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
};

/** Gives up new images whose launches fail, so that those before them serve again. Costs nothing where no section asks for it. */
export async function runRollbackPass(deps: RollbackDeps): Promise<void> {
  const config = deps.config();
  if (!config.providers.some(({ images }) => images.some(({ rollbackAfter }) => rollbackAfter > 0))) return;
  for (const bad of badImages(config, await deps.images.list({ states: ['ready'] }))) {
    if (!(await hasServed(bad.row, deps))) await giveUp(bad, deps);
  }
}

/** Nodes of a time when nobody counted: the key is younger than the image. */
async function hasServed({ id, provider }: SnapshotImage, { nodes }: RollbackDeps): Promise<boolean> {
  const launched = await nodes.list({ states: ['test', 'ready', 'used', 'hold'], provider });
  return launched.some((node) => node.imageId === id && (node.state !== 'hold' || node.registeredAt !== undefined));
}

async function giveUp({ row, before, why }: BadImage, deps: RollbackDeps): Promise<void> {
  const { provider, image } = row;
  await withdraw(row, deps); // first, else the daemon would upload the same build again
  const gone = await deps.images.apply(row, 'rolledBack', { who: WHO, why: `${why}; image ${before.id} serves again` });
  if (gone === undefined) return; // a launch came through, or an operator was faster
  const reason = `Given up. ${why}`;
  const failures = await storeImageFailure(row, reason, deps);
  deps.log.error(`Image ${image} in ${provider} is given up: ${why}`, { image: row.id, before: before.id });
  deps.imageFailures.tell(failureOfImage(row, { reason, failures }));
}

async function withdraw(row: SnapshotImage, { dibImages }: RollbackDeps): Promise<void> {
  const build = row.dibImageId === undefined ? undefined : await dibImages.find(row.dibImageId);
  const place = placeOf(row);
  if (build === undefined || build.withdrawnFrom.includes(place)) return;
  await dibImages.record(build.id, { withdrawnFrom: [...build.withdrawnFrom, place] });
}
