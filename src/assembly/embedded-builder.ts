import type { Config } from '../config/config.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import { type BuilderRunDeps, runBuilder } from './run-builder.ts';

/** How often it is looked whether there are disk images by now: an object is compared. */
const LOOK_MS = 10_000;
/** As long as the daemon's other work gets when it is stopped; a build that does not end in time begins anew later. */
const DRAIN_MS = 15_000;

export type EmbeddedBuilder = {
  /** The configuration in force. */
  readonly config: () => Config;
  readonly buildWorkers: number;
  readonly uploadWorkers: number;
};

/** Runs an image builder beside the daemon from the moment that there are disk images, until it is disposed of or aborted. */
export function startEmbeddedBuilder(
  builder: EmbeddedBuilder,
  deps: BuilderRunDeps,
  signal: AbortSignal,
): AsyncDisposable {
  const over = new AbortController();
  const running = runOnce(builder, deps, { signal, over: over.signal });
  return {
    [Symbol.asyncDispose]: async () => {
      over.abort(new Error('The daemon ends'));
      await running;
    },
  };
}

async function runOnce(
  { config, buildWorkers, uploadWorkers }: EmbeddedBuilder,
  deps: BuilderRunDeps,
  until: { readonly signal: AbortSignal; readonly over: AbortSignal },
): Promise<void> {
  using joined = joinSignals(until.signal, until.over);
  const { signal } = joined;
  try {
    while (config().diskimages.length === 0) await deps.clock.sleep(LOOK_MS, signal);
    await runBuilder({ config, buildWorkers, uploadWorkers, drainMs: DRAIN_MS, isAlone: false }, deps, signal);
  } catch (error) {
    if (!signal.aborted) deps.log.child('builder').error('The embedded image builder ended', { error });
  }
}
