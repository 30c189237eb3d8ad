import { describe, expect, test } from 'vitest';
import { systemClock, withDeadline } from '../../src/runtime/clock.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

const DEADLINE = { what: 'Keystone to answer', ms: 5_000 };

/** Work that ends only when it is aborted. */
function endless(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}

describe('withDeadline', () => {
  test('gives what the work gives, and leaves no timer behind', async () => {
    const clock = new FakeClock();

    expect(await withDeadline(DEADLINE, { clock }, () => Promise.resolve('answer'))).toBe('answer');
    expect(clock.sleeping).toBe(0);
  });

  test('throws when the time is over, and aborts the work', async () => {
    const clock = new FakeClock();
    let reason: unknown;
    const bounded = withDeadline(DEADLINE, { clock }, (signal) =>
      endless(signal).catch((error: unknown) => {
        reason = error;
        throw error;
      }),
    );
    const failed = expect(bounded).rejects.toThrow('Timeout waiting for Keystone to answer (5 s)');

    await clock.advance(5_000);

    await failed;
    expect(reason).toBeInstanceOf(DeadlineExceededError);
  });

  test('does not wait for work that ignores its signal', async () => {
    const clock = new FakeClock();
    const bounded = withDeadline(DEADLINE, { clock }, () => new Promise(() => undefined));
    const failed = expect(bounded).rejects.toBeInstanceOf(DeadlineExceededError);

    await clock.advance(5_000);

    await failed;
  });

  test('shows the deadline also where the work wraps the abort in an error of its own', async () => {
    const clock = new FakeClock();
    const bounded = withDeadline(DEADLINE, { clock }, (signal) =>
      endless(signal).catch((error: unknown) => {
        throw new Error('The request failed', { cause: error });
      }),
    );
    const failed = expect(bounded).rejects.toBeInstanceOf(DeadlineExceededError);

    await clock.advance(5_000);

    await failed;
  });

  test('ends with the reason of the caller who gives up', async () => {
    const clock = new FakeClock();
    const patience = new AbortController();
    const bounded = withDeadline(DEADLINE, { clock, signal: patience.signal }, endless);

    patience.abort(new Error('Stopping'));

    await expect(bounded).rejects.toThrow('Stopping');
    expect(clock.sleeping).toBe(0);
  });

  test('does not begin for a caller who gave up before', async () => {
    let began = false;
    const bounded = withDeadline(
      DEADLINE,
      { clock: new FakeClock(), signal: AbortSignal.abort(new Error('Stopped')) },
      () => {
        began = true;
        return Promise.resolve();
      },
    );

    await expect(bounded).rejects.toThrow('Stopped');
    expect(began).toBe(false);
  });

  test('passes a reason on as it is, also one that is no Error', async () => {
    const patience = new AbortController();
    const bounded = withDeadline(DEADLINE, { clock: new FakeClock(), signal: patience.signal }, endless);

    patience.abort('a text');

    await expect(bounded).rejects.toBe('a text');
  });
});

describe('the system’s clock', () => {
  test('sleeps no longer than asked for when its signal is aborted, with the reason', async () => {
    const patience = new AbortController();
    const slept = systemClock.sleep(1e9, patience.signal);

    patience.abort(new Error('Woken'));

    await expect(slept).rejects.toThrow('Woken');
  });

  test('does not begin to sleep under an aborted signal', async () => {
    await expect(systemClock.sleep(1e9, AbortSignal.abort(new Error('Woken')))).rejects.toThrow('Woken');
  });

  test('sleeps longer than a timer of Node can, instead of not at all', async () => {
    const patience = new AbortController();
    let ended = false;
    const slept = systemClock
      .sleep(3e9, patience.signal)
      .then(() => (ended = true))
      .catch((error: unknown) => error);

    await systemClock.sleep(5, neverAborted);
    expect(ended).toBe(false);
    patience.abort(new Error('Enough'));

    await expect(slept).resolves.toEqual(new Error('Enough'));
  });

  test('tells wall-clock time, and a time that only grows', () => {
    const before = systemClock.monotonicMs();

    expect(systemClock.now().getFullYear()).toBeGreaterThan(2000);
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before);
  });
});
