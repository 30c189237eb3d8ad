import { describe, expect, test } from 'vitest';
import { LaunchBreakers } from '../../src/pool/launch-breakers.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';

const KEY = 'provider fake-provider';

function aBench() {
  const clock = new FakeClock();
  const breakers = new LaunchBreakers({ clock, randomness: new CountingRandomness() });
  const fail = (times = 1): number =>
    Array.from({ length: times }, () => breakers.failed(KEY, 'Nova is away')).at(-1) ?? 0;
  return { clock, breakers, fail };
}

describe('a breaker', () => {
  test('opens at the third failure in a row', () => {
    const { breakers, fail } = aBench();

    expect([fail(), fail(), breakers.isOpen(KEY)]).toEqual([0, 0, false]);
    expect([fail(), breakers.isOpen(KEY)]).toEqual([15_000, true]);
  });

  test('does not count failures with a success between them', () => {
    const { breakers, fail } = aBench();
    fail(2);

    breakers.succeeded(KEY);

    expect(fail(2)).toBe(0);
    expect(breakers.isOpen(KEY)).toBe(false);
  });

  test('lets a probe through after its pause, and closes when that succeeds', async () => {
    const { clock, breakers, fail } = aBench();
    fail(3);

    await clock.advance(14_999);
    expect([breakers.isOpen(KEY), breakers.isProbing(KEY)]).toEqual([true, false]);
    await clock.advance(1);
    expect([breakers.isOpen(KEY), breakers.isProbing(KEY)]).toEqual([false, true]);
    breakers.succeeded(KEY);

    expect([breakers.isOpen(KEY), breakers.isProbing(KEY)]).toEqual([false, false]);
  });

  test('lets a probe through at once when the configuration was mended, and pauses for longer when that did not help', () => {
    const { breakers, fail } = aBench();
    fail(3);

    breakers.endPauses();

    expect([breakers.isOpen(KEY), breakers.isProbing(KEY)]).toEqual([false, true]);
    expect(fail()).toBe(30_000);
  });

  test('goes on where there is no room, whatever the configuration says', () => {
    const { breakers } = aBench();
    breakers.noRoom(KEY, 'Quota exceeded');

    breakers.endPauses();

    expect(breakers.isOpen(KEY)).toBe(true);
  });

  test('opens for twice as long each time its probe fails, up to two minutes', async () => {
    const { clock, fail } = aBench();
    const pauses = [fail(3)];

    for (let n = 0; n < 7; n += 1) {
      await clock.advance(pauses.at(-1) ?? 0);
      pauses.push(fail());
    }

    expect(pauses).toEqual([15_000, 30_000, 60_000, 120_000, 120_000, 120_000, 120_000, 120_000]);
  });

  test('is not made longer by launches that began before it opened: the same trouble, told again', () => {
    const { breakers, fail } = aBench();
    fail(3);

    expect(fail(50)).toBe(0);
    expect(breakers.listOpen()).toMatchObject([{ remainingMs: 15_000 }]);
  });

  test('goes on with its pause although a launch that began before it opened comes through', async () => {
    const { clock, breakers, fail } = aBench();
    fail(3);

    breakers.succeeded(KEY);
    expect(breakers.isOpen(KEY)).toBe(true);
    await clock.advance(15_000);

    expect(breakers.isProbing(KEY)).toBe(false); // what failed before no longer counts
  });

  test('of one thing is not that of another', () => {
    const { breakers, fail } = aBench();

    fail(3);

    expect(breakers.isOpen('provider other')).toBe(false);
  });

  test('tells an operator what is paused, why and for how long', async () => {
    const { clock, breakers, fail } = aBench();
    fail(3);
    breakers.failed('label trusty', 'The script failed');

    await clock.advance(5_000);

    expect(breakers.listOpen()).toEqual([
      { key: KEY, reason: 'Nova is away', failures: 3, isForRoom: false, sinceMs: 5_000, remainingMs: 10_000 },
    ]);
  });
});

describe('no room', () => {
  test('pauses at once for half a minute, and is nobody’s failure', async () => {
    const { clock, breakers, fail } = aBench();

    breakers.noRoom(KEY, 'Quota exceeded');
    expect(breakers.isOpen(KEY)).toBe(true);
    await clock.advance(30_000);

    expect([breakers.isOpen(KEY), breakers.isProbing(KEY)]).toEqual([false, false]);
    expect(fail(2)).toBe(0);
  });

  test('does not shorten a longer pause', async () => {
    const { clock, breakers, fail } = aBench();
    fail(3);
    await clock.advance(15_000);
    fail();
    await clock.advance(30_000);
    fail(); // now a minute

    breakers.noRoom(KEY, 'Quota exceeded');

    expect(breakers.listOpen()).toMatchObject([{ reason: 'Quota exceeded', isForRoom: true, remainingMs: 60_000 }]);
  });

  test('keeps the count of failures: a probe is still a probe', async () => {
    const { clock, breakers, fail } = aBench();
    fail(3);
    await clock.advance(15_000);

    breakers.noRoom(KEY, 'Quota exceeded');
    await clock.advance(30_000);

    expect(breakers.isProbing(KEY)).toBe(true);
  });
});
