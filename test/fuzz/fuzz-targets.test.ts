import { describe, expect, test } from 'vitest';
import { ALL_TARGETS } from '../../fuzz/all-targets.ts';
import { describeFailure } from '../../fuzz/describe-failure.ts';
import { type ByteTarget, FuzzFinding } from '../../fuzz/fuzz-target.ts';
import { runTarget } from '../../fuzz/run-target.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';

const EACH_MS = 150;
/** Enough to see that it works; time alone may be too short on a busy machine. */
const PROPERTY_RUNS = 100;
const FRESH_SEED = systemRandomness.hex(4);
const deps = { clock: systemClock };

describe.each(['fixed', FRESH_SEED])('with seed %s', (seed) => {
  test.each(ALL_TARGETS)('$name: $about', { timeout: 60_000 }, async (target) => {
    const [maxInputs, ms] = target.kind === 'property' ? [PROPERTY_RUNS, 30_000] : [200, EACH_MS];
    const endMs = systemClock.monotonicMs() + ms;

    const { inputs, failure } = await runTarget(target, { seed, from: 0, maxInputs, endMs }, deps);

    expect(failure === undefined ? '' : describeFailure(failure)).toBe('');
    expect(inputs).toBeGreaterThan(0);
  });
});

describe('the fuzzer', () => {
  /** Breaks at every input with an `x` behind an `a`. */
  const broken: ByteTarget = {
    kind: 'bytes',
    name: 'broken',
    about: 'A target that breaks',
    corpus: () => [Buffer.from('some text')],
    words: ['xx', 'aa'],
    mayThrow: [],
    feed: (input) => {
      if (/a.*x/s.test(input.toString('latin1'))) throw new FuzzFinding('It breaks');
    },
  };
  const run = { seed: 's', from: 0, maxInputs: 100_000, endMs: Infinity };

  test('finds what breaks and gives the smallest input and the command that shows it again', async () => {
    const { failure } = await runTarget(broken, run, deps);

    expect(failure?.input?.toString()).toBe('ax');
    expect(failure?.again).toEqual(['--input', '6178', 'broken']);
  });

  test('finds the same again with the same seed', async () => {
    const [first, second] = [await runTarget(broken, run, deps), await runTarget(broken, run, deps)];

    expect(second.inputs).toBe(first.inputs);
  });

  test.each([
    [
      'an error of no class of the room',
      () => {
        throw new TypeError('x');
      },
      /It threw TypeError: x/,
    ],
    ['something printed', () => void process.stdout.write('secret'), /It printed "secret"/],
  ])('takes %s for a find', async (_, feed, what) => {
    const { failure } = await runTarget({ ...broken, feed }, { ...run, maxInputs: 1 }, deps);

    expect(failure?.what).toMatch(what);
  });
});
