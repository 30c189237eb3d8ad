import { expect, test } from 'vitest';
import { redact } from '../../src/runtime/redact.ts';
import { Secret } from '../../src/runtime/secret.ts';

const SECRET = 'pa"ss/w&rd <+>';

test.each([
  ['as it is', SECRET],
  ['as JSON', JSON.stringify(SECRET)],
  ['as JSON in JSON', JSON.stringify(JSON.stringify({ password: SECRET }))],
  ['in a URL', encodeURIComponent(SECRET)],
  ['in a form', new URLSearchParams({ password: SECRET }).toString()],
  ['in HTML', 'pa&quot;ss/w&amp;rd &lt;+&gt;'],
  ['in base64', Buffer.from(SECRET).toString('base64')],
  ['in a header Basic', Buffer.from(`nodepool:${SECRET}`).toString('base64')],
])('a secret is taken out %s, for peers give back what they were sent', (_, echo) => {
  const redacted = redact(`Cannot read ${echo} here`, [new Secret(SECRET)]);

  expect(redacted).toContain('[redacted]');
  expect(redacted).toMatch(/^Cannot read .* here$/);
  expect(redacted).not.toMatch(/ss.{1,8}w/);
});

test('of two secrets the longer goes first, so that no half of it stays', () => {
  expect(redact('secret-and-more', [new Secret('secret'), new Secret('secret-and-more')])).toBe('[redacted]');
});

test('a text without secrets and a secret of two letters change nothing', () => {
  expect(redact('No valid crumb', [new Secret('va'), new Secret('password')])).toBe('No valid crumb');
});
