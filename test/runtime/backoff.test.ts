import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from '../../src/runtime/backoff.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';

function randomly(fraction: number): CountingRandomness {
  return Object.assign(new CountingRandomness(), { nextFraction: fraction });
}

test.each([
  [1, 500],
  [2, 1000],
  [3, 2000],
  [6, 16_000],
  [7, 30_000],
  [1000, 30_000],
])('the wait before retry %i doubles up to the longest: %i ms', (attempt, ms) => {
  expect(backoffMs(attempt, { firstMs: 500, maxMs: 30_000 }, randomly(0))).toBe(ms);
});

test('is shorter by up to a quarter by chance, so that many who failed together do not return together', () => {
  expect(backoffMs(2, { firstMs: 1000, maxMs: 30_000 }, randomly(0.999))).toBe(1501);
});

test('is never above the longest, nor below three quarters of the first', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      (attempt, firstMs, fraction) => {
        const ms = backoffMs(attempt, { firstMs, maxMs: 60_000 }, randomly(fraction));

        expect(ms).toBeLessThanOrEqual(60_000);
        expect(ms).toBeGreaterThanOrEqual(Math.floor(firstMs * 0.75));
      },
    ),
  );
});
