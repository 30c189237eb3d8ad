import { type Clock, withDeadline } from '../runtime/clock.ts';
import type { ApiCaller } from './api-caller.ts';
import { type ImageFacts, readImageFacts } from './image-facts.ts';

/** From the data to `active`. */
const SETTLE_MS = 30 * 60_000;
const POLL_MS = 3_000;
/** Statuses on the way to `active` (Glance: image statuses). */
const SETTLING = ['saving', 'uploading', 'importing'];

export type AwaitedImage = {
  readonly id: string;
  /** Whether the cloud said that it has the data. Else `queued` is an end: Glance goes back to it after a failed upload. */
  readonly hasData: boolean;
};

/** The image when the cloud has put its data away, or has given up on it. Undefined: it is gone. */
export async function awaitImage(
  { id, hasData }: AwaitedImage,
  { api, clock }: { readonly api: ApiCaller; readonly clock: Clock },
  signal: AbortSignal,
): Promise<ImageFacts | undefined> {
  const passing = hasData ? [...SETTLING, 'queued'] : SETTLING;
  const deadline = { what: `image "${id}" to become active`, ms: SETTLE_MS };
  return await withDeadline(deadline, { clock, signal }, async (inner) => {
    for (;;) {
      const facts = await readImageFacts(id, api, inner);
      if (facts === undefined || !passing.includes(facts.image.status)) return facts;
      await clock.sleep(POLL_MS, inner);
    }
  });
}
