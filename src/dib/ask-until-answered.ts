import { BuilderJobError } from '../image/builder-jobs.ts';
import { backoffMs } from '../runtime/backoff.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { awaitBuilder, type AwaitBuilderDeps, type BuilderWait } from './await-builder.ts';

/** A Gearman server that is lost more often is ill. */
const MAX_TRIES = 6;
const AGAIN = { firstMs: 5_000, maxMs: 30_000 };

export type AskDeps = AwaitBuilderDeps & {
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/**
 * Asks a builder for its work, and again where the Gearman server was lost meanwhile. One that was restarted has forgotten the
 * job, and its builder has left it; one that still has it joins the two, for both have the same name.
 * @throws {BuilderJobError} the work failed, or the server was lost six times
 * @throws {DibError} no builder has come back to offer it
 */
export async function askUntilAnswered<T>(
  { what, ms, isOffered }: BuilderWait,
  ask: () => Promise<T>,
  deps: AskDeps,
): Promise<{ readonly answer: T; readonly tries: number }> {
  for (let tries = 1; ; tries += 1) {
    try {
      return { answer: await ask(), tries };
    } catch (error) {
      deps.signal.throwIfAborted();
      if (!(error instanceof BuilderJobError) || error.kind !== 'lost' || tries === MAX_TRIES) throw error;
      deps.log.warn(`${describeError(error)}; it is asked for again`);
      deps.task.waitOn(`a Gearman server and a builder for ${what}`);
      await deps.clock.sleep(backoffMs(tries, AGAIN, deps.randomness), deps.signal);
      await awaitBuilder({ what, ms, isOffered }, deps, deps.signal);
    }
  }
}
