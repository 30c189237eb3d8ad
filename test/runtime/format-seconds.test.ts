import { expect, test } from 'vitest';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { formatSeconds } from '../../src/runtime/format-seconds.ts';

test.each([
  [0, '0 s'],
  [250, '0.25 s'],
  [1_500, '1.5 s'],
  [59_999.980341, '60 s'],
  [90_400, '90.4 s'],
  [21_600_000, '21600 s'],
])('%d ms are %s', (ms, text) => {
  expect(formatSeconds(ms)).toBe(text);
});

test('a deadline that a clock measured is told in a round number', () => {
  const { message } = new DeadlineExceededError('ServerList of provider east', 59_999.980341);

  expect(message).toBe('Timeout waiting for ServerList of provider east (60 s)');
});
