import { setImmediate as breathe } from 'node:timers/promises'; // eslint-disable-line no-restricted-imports -- lets sockets end, waits for no time
import fc from 'fast-check';
import type { Clock } from '../src/runtime/clock.ts';
import { describeError } from '../src/runtime/errors.ts';
import type { FuzzOutcome, FuzzTarget, PropertyTarget } from './fuzz-target.ts';
import { type FuzzRun, runBytes } from './run-bytes.ts';

/** Runs one target in this thread. */
export async function runTarget(
  target: FuzzTarget,
  run: FuzzRun,
  deps: { readonly clock: Clock },
): Promise<FuzzOutcome> {
  if (target.kind === 'property') return await runProperty(target, run, deps);
  try {
    return await runBytes(target, run, deps);
  } finally {
    await target.close?.();
    await breathe();
  }
}

async function runProperty(
  target: PropertyTarget,
  run: FuzzRun,
  deps: { readonly clock: Clock },
): Promise<FuzzOutcome> {
  const seed = numberOf(run.seed);
  const details = await fc.check(target.property(), {
    seed,
    numRuns: Math.min(run.maxInputs, 10_000_000),
    interruptAfterTimeLimit: Math.max(1, run.endMs - deps.clock.monotonicMs()),
    markInterruptAsFailure: false,
  });
  const inputs = details.numRuns;
  if (!details.failed || details.counterexample === null) return { inputs };
  const { counterexample, errorInstance } = details;
  const what = `${fc.stringify(counterexample)}: ${describeError(errorInstance)}`;
  return { inputs, failure: { target: target.name, what, input: undefined, again: ['--seed', run.seed, target.name] } };
}

/** fast-check wants a 32-bit number. */
function numberOf(seed: string): number {
  let hash = 0;
  for (const character of seed) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0;
  return hash;
}
