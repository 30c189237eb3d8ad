import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { asError } from '../src/runtime/errors.ts';
import { type Clock, withDeadline } from '../src/runtime/clock.ts';
import { type ByteTarget, FuzzFinding, type FuzzOutcome } from './fuzz-target.ts';
import { makeInput, type Material } from './mutate-bytes.ts';
import { SeededRandomness } from './seeded-randomness.ts';
import { shrinkInput } from './shrink-input.ts';
import { watchOutput } from './watch-output.ts';

/** Of a processor, for one input. Far above what any needs; what is quadratic takes longer. */
const INPUT_MS = 4_000;
/** More live memory than any target needs. */
const MAX_LIVE_BYTES = 768 * 1024 * 1024;
const LOOK_AT_MEMORY_EACH = 256;

export type FuzzRun = {
  readonly seed: string;
  /** Number of the first input. */
  readonly from: number;
  readonly maxInputs: number;
  readonly endMs: number;
  /** Hears of each input before it is fed. */
  readonly onInput?: (input: Buffer) => void;
};

/** Feeds mutated inputs until the time is over, the number is reached, or something breaks; then the smallest that breaks it. */
export async function runBytes(
  target: ByteTarget,
  run: FuzzRun,
  deps: { readonly clock: Clock },
): Promise<FuzzOutcome> {
  const material = materialOf(target);
  let inputs = 0;
  const isOver = (): boolean => inputs > 0 && deps.clock.monotonicMs() >= run.endMs; // on a busy machine one is fed too
  for (; inputs < run.maxInputs && !isOver(); inputs += 1) {
    const number = run.from + inputs;
    const input = inputOf({ target, material, seed: run.seed, number });
    run.onInput?.(input);
    const what = (await faultOf(target, input, deps)) ?? memoryFault(inputs);
    if (what === undefined) continue;
    const smallest = await shrinkInput(input, what, (smaller) => {
      run.onInput?.(smaller);
      return faultOf(target, smaller, deps);
    });
    return { inputs: inputs + 1, failure: failureOf(target, { what, smallest, seed: run.seed, number }) };
  }
  return { inputs };
}

/** Feeds one input and says what broke; undefined: nothing. */
export async function faultOf(
  target: ByteTarget,
  input: Buffer,
  deps: { readonly clock: Clock },
): Promise<string | undefined> {
  const started = process.cpuUsage(); // not the time of day: others may keep the machine busy
  using output = watchOutput();
  try {
    await withDeadline({ what: target.name, ms: 8 * INPUT_MS }, deps, async () => {
      await target.feed(Buffer.from(input)); // a copy: none may change what is reported
    });
  } catch (error) {
    if (!target.mayThrow.some((known) => asError(error).constructor === known)) return describe(error);
  }
  if (output.printed !== '') return `It printed ${JSON.stringify(output.printed.slice(0, 100))}`;
  if ('polluted' in {}) return 'It wrote to the prototype of all objects';
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000 > INPUT_MS ? `It took longer than ${INPUT_MS / 1000} s` : undefined;
}

export function materialOf(target: ByteTarget): Material {
  return { corpus: target.corpus(), words: (target.words ?? []).map((word) => Buffer.from(word)) };
}

type Numbered = {
  readonly target: ByteTarget;
  readonly material: Material;
  readonly seed: string;
  readonly number: number;
};

/** The input of that number; the corpus itself comes first. */
export function inputOf({ target, material, seed, number }: Numbered): Buffer {
  const recorded = material.corpus[number];
  return recorded ?? makeInput(material, new SeededRandomness(`${seed}/${target.name}/${number}`));
}

function memoryFault(inputs: number): string | undefined {
  if (inputs % LOOK_AT_MEMORY_EACH !== 0) return undefined;
  if (liveBytes() <= MAX_LIVE_BYTES) return undefined;
  collectGarbage();
  return liveBytes() > MAX_LIVE_BYTES ? 'The memory grows' : undefined;
}

function liveBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()'); // in a new context: this one was made without it
}

function describe(error: unknown): string {
  if (error instanceof FuzzFinding) return error.message;
  const { name, message, stack = '' } = asError(error);
  const place = stack.split('\n').find((line) => /\bat .*(src|fuzz|node_modules)\//.test(line)) ?? '';
  return `It threw ${name}: ${message.slice(0, 200)} ${place.trim()}`;
}

type Found = { readonly what: string; readonly smallest: Buffer; readonly seed: string; readonly number: number };

function failureOf(target: ByteTarget, { what, smallest, seed, number }: Found) {
  const isShort = smallest.length <= 2048;
  const again = isShort
    ? ['--input', smallest.toString('hex') || '""', target.name]
    : ['--seed', seed, '--from', String(number), '--inputs', '1', target.name];
  return { target: target.name, what, input: smallest, again };
}
