import { parentPort, Worker, workerData } from 'node:worker_threads';
import { systemClock } from '../src/runtime/clock.ts';
import { describeError } from '../src/runtime/errors.ts';
import { ALL_TARGETS } from './all-targets.ts';
import type { FuzzOutcome, FuzzTarget } from './fuzz-target.ts';
import { InputBoard } from './input-board.ts';
import { runTarget } from './run-target.ts';

/** One input may take this long before its thread is ended. */
const HANG_MS = 40_000;
const LOOK_EACH_MS = 500;
const MAX_HEAP_MIB = 1024;

export type ApartRun = {
  readonly target: FuzzTarget;
  readonly seed: string;
  readonly from: number;
  readonly maxInputs: number;
  readonly ms: number;
};

type Order = Omit<ApartRun, 'target'> & { readonly name: string; readonly shared: SharedArrayBuffer };
/** A Buffer arrives from another thread as a mere Uint8Array. */
type Told = FuzzOutcome & { readonly failure?: { readonly input: Uint8Array | undefined } };

/** Runs a target in a thread of its own: one that hangs or eats memory is ended, and its input is known. */
export async function runApart(program: URL, run: ApartRun, signal: AbortSignal): Promise<FuzzOutcome> {
  const board = new InputBoard();
  const { target, seed, from, maxInputs, ms } = run;
  const order: Order = { seed, from, maxInputs, ms, name: target.name, shared: board.shared };
  const worker = new Worker(program, { workerData: order, resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB } });
  const over = new AbortController();
  try {
    const outcome = await Promise.race([
      outcomeOf(worker),
      untilHanging(board, target, AbortSignal.any([over.signal, signal])),
    ]);
    if (typeof outcome !== 'string') return outcome;
    const input = target.kind === 'bytes' ? board.input : undefined;
    const again = ['--seed', run.seed, '--from', String(run.from + board.count - 1), '--inputs', '1', target.name];
    return { inputs: board.count, failure: { target: target.name, what: outcome, input, again } };
  } finally {
    over.abort();
    await worker.terminate();
  }
}

/** What the thread told, or how it died. */
function outcomeOf(worker: Worker): Promise<FuzzOutcome | string> {
  return new Promise((resolve) => {
    worker.once('message', ({ inputs, failure }: Told) => {
      if (failure === undefined) resolve({ inputs });
      else resolve({ inputs, failure: { ...failure, input: failure.input && Buffer.from(failure.input) } });
    });
    worker.once('error', (error) => {
      resolve(`Nobody caught: ${describeError(error)}\n${error instanceof Error ? (error.stack ?? '') : ''}`);
    });
    worker.once('exit', (status) => {
      resolve(`The thread ended with status ${status}`);
    });
  });
}

/** Never resolves for a property: it shows no inputs. */
async function untilHanging(board: InputBoard, target: FuzzTarget, signal: AbortSignal): Promise<string> {
  for (let count = -1, sinceMs = 0; ;) {
    const nowMs = systemClock.monotonicMs();
    if (board.count !== count) [count, sinceMs] = [board.count, nowMs];
    if (target.kind === 'bytes' && count > 0 && nowMs - sinceMs > HANG_MS) return `It hangs for ${HANG_MS / 1000} s`;
    await systemClock.sleep(LOOK_EACH_MS, signal);
  }
}

/** The part of `runApart` that runs in the thread. */
export async function runHere(): Promise<void> {
  const { name, shared, seed, from, maxInputs, ms } = workerData as Order; // what runApart gave
  const target = ALL_TARGETS.find((each) => each.name === name);
  if (target === undefined) throw new Error(`There is no target "${name}"`);
  const board = new InputBoard(shared);
  const onInput = (input: Buffer): void => {
    board.show(input);
  };
  const run = { seed, from, maxInputs, endMs: systemClock.monotonicMs() + ms, onInput };
  parentPort?.postMessage(await runTarget(target, run, { clock: systemClock }));
}
