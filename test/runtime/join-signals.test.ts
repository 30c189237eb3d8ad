import { expect, test } from 'vitest';
import { joinSignals } from '../../src/runtime/join-signals.ts';

test('is aborted with the first, and keeps its reason', () => {
  const [first, second] = [new AbortController(), new AbortController()];
  using joined = joinSignals(first.signal, second.signal);

  second.abort(new Error('second'));
  first.abort(new Error('first'));

  expect(joined.signal.reason).toEqual(new Error('second'));
});

test('is aborted from the start if one is', () => {
  using joined = joinSignals(new AbortController().signal, AbortSignal.abort('before'));

  expect(joined.signal.reason).toBe('before');
});

test('hears nothing after it is disposed, so that a long-lived signal keeps nothing of it', () => {
  const long = new AbortController();
  const joined = joinSignals(long.signal);

  joined[Symbol.dispose]();
  long.abort();

  expect(joined.signal.aborted).toBe(false);
});
