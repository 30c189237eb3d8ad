import { expect, test } from 'vitest';
import { Wakeup } from '../../src/runtime/wakeup.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

test('ends the wait before its time', async () => {
  const clock = new FakeClock();
  const wakeup = new Wakeup(clock);
  const waited = wakeup.wait(10_000, neverAborted);

  wakeup.wake();

  await expect(waited).resolves.toBeUndefined();
  expect(clock.sleeping).toBe(0);
});

test('the wait ends by itself after its time', async () => {
  const clock = new FakeClock();
  const waited = new Wakeup(clock).wait(10_000, neverAborted);

  await clock.advance(10_000);

  await expect(waited).resolves.toBeUndefined();
});

test('wakes that come while nobody waits count as one', async () => {
  const clock = new FakeClock();
  const wakeup = new Wakeup(clock);
  wakeup.wake();
  wakeup.wake();

  await wakeup.wait(10_000, neverAborted);
  void wakeup.wait(10_000, neverAborted);
  await clock.untilSleeping();

  expect(clock.sleeping).toBe(1);
});

test('a wake in the moment in which the wait ends is not lost', async () => {
  const clock = new FakeClock();
  const wakeup = new Wakeup(clock);
  const first = wakeup.wait(10_000, neverAborted);
  wakeup.wake();
  await first;

  wakeup.wake();

  await expect(wakeup.wait(10_000, neverAborted)).resolves.toBeUndefined();
  expect(clock.sleeping).toBe(0);
});

test('who is aborted is told why, and the wake stays for the next', async () => {
  const clock = new FakeClock();
  const wakeup = new Wakeup(clock);
  const stop = new AbortController();
  const waited = wakeup.wait(10_000, stop.signal);

  stop.abort(new Error('Stopping'));
  await expect(waited).rejects.toThrow('Stopping');
  wakeup.wake();

  await expect(wakeup.wait(10_000, neverAborted)).resolves.toBeUndefined();
});
