import { expect, test } from 'vitest';
import { formatAge } from '../../src/cli/format-age.ts';

const SINCE = new Date('2026-01-01T00:00:00Z');

test.each([
  ['a moment', 0.9, '00:00:00:00'],
  ['97 seconds', 97, '00:00:01:37'],
  ['a day less a second', 86_399, '00:23:59:59'],
  ['a day', 86_400, '01:00:00:00'],
  ['more than 99 days', 123 * 86_400 + 4 * 3600 + 5 * 60 + 6, '123:04:05:06'],
  ['a clock that ran backwards', -60, '00:00:00:00'],
])('%s is DD:HH:MM:SS', (_what, seconds, text) => {
  expect(formatAge(SINCE, new Date(SINCE.getTime() + seconds * 1000))).toBe(text);
});
