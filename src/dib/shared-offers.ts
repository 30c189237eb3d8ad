import PQueue from 'p-queue';
import type { BuilderJobs, BuilderOffers } from '../image/builder-jobs.ts';
import type { Clock } from '../runtime/clock.ts';

/** Builders come and go by the minute. */
const FRESH_MS = 2_000;

/**
 * The same jobs, whose offers are read anew at most each two seconds: a hundred uploads that begin at once ask for them. After
 * a removal they are read anew.
 */
export function shareOffers(jobs: BuilderJobs, clock: Clock): BuilderJobs {
  const line = new PQueue({ concurrency: 1 });
  let last: { readonly offers: BuilderOffers | undefined; readonly readMs: number } | undefined;
  const read = async (signal: AbortSignal): Promise<BuilderOffers | undefined> => {
    signal.throwIfAborted();
    const nowMs = clock.monotonicMs();
    if (last === undefined || nowMs - last.readMs >= FRESH_MS) {
      last = { offers: await jobs.offers(signal), readMs: nowMs };
    }
    return last.offers;
  };
  return {
    build: (request, signal) => jobs.build(request, signal),
    upload: (request, signal) => jobs.upload(request, signal),
    remove: async (id, signal) => {
      last = undefined;
      await jobs.remove(id, signal).finally(() => {
        last = undefined;
      });
    },
    offers: (signal) => line.add(() => read(signal)),
  };
}
