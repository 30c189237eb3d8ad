import type { Backoff } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { ImageStore } from './image-store.ts';
import { nextFailure } from './next-failure.ts';

const RETRY: Backoff = { firstMs: 30_000, maxMs: 3_600_000 };

export type StoreImageFailureDeps = {
  readonly images: Pick<ImageStore, 'listFailures' | 'saveFailure'>;
  readonly clock: Clock;
  readonly randomness: Randomness;
};

/** Stores that an image failed in its provider once more, and when it is tried again. Gives how many failed in a row by now. */
export async function storeImageFailure(
  { provider, image }: { readonly provider: string; readonly image: string },
  reason: string,
  deps: StoreImageFailureDeps,
): Promise<number> {
  const all = await deps.images.listFailures();
  const earlier = all.find((failure) => failure.provider === provider && failure.image === image);
  const failure = nextFailure(earlier, reason, { ...deps, backoff: RETRY });
  await deps.images.saveFailure({ provider, image, ...failure });
  return failure.failures;
}
