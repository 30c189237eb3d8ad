import { expect, test } from 'vitest';
import { RetryTimes } from '../../src/runtime/retry-times.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';

function aBench() {
  const clock = new FakeClock();
  const retries = new RetryTimes<number>(
    { firstMs: 1000, maxMs: 4000 },
    { clock, randomness: new CountingRandomness() },
  );
  return { clock, retries };
}

test('what never failed is due', () => {
  const { retries } = aBench();

  expect(retries.isDue(1)).toBe(true);
  expect(retries.nextDueMs()).toBeUndefined();
});

test('waits twice as long after each further failure, up to the longest wait', async () => {
  const { clock, retries } = aBench();
  const waits: (number | undefined)[] = [];

  for (let n = 0; n < 4; n += 1) {
    retries.postpone(1);
    waits.push(retries.nextDueMs());
    await clock.advance(retries.nextDueMs() ?? 0);
    expect(retries.isDue(1)).toBe(true);
  }

  expect(waits).toEqual([1000, 2000, 4000, 4000]);
});

test('each key has its own time; the next is the soonest', async () => {
  const { clock, retries } = aBench();
  retries.postpone(1);
  retries.postpone(1);
  await clock.advance(500);
  retries.postpone(2);

  expect([retries.isDue(1), retries.isDue(2), retries.isDue(3)]).toEqual([false, false, true]);
  expect(retries.nextDueMs()).toBe(1000);
});

test('what was done begins with the first wait when it fails once more', () => {
  const { retries } = aBench();
  retries.postpone(1);
  retries.postpone(1);

  retries.forget(1);
  retries.postpone(1);

  expect(retries.nextDueMs()).toBe(1000);
});

test('is never due in less than no time', async () => {
  const { clock, retries } = aBench();
  retries.postpone(1);

  await clock.advance(60_000);

  expect(retries.nextDueMs()).toBe(0);
});
