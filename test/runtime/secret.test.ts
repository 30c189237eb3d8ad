import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../src/runtime/secret.ts';

const secret = new Secret('hunter2');

test.each([
  ['text', String(secret)],
  ['JSON', JSON.stringify({ password: secret })],
  ['inspection', inspect({ deeply: { hidden: { password: secret } } }, { depth: 9, showHidden: true })],
  ['formats', format('%s %o %j', secret, secret, secret)],
  ['an error', String(new Error(`Cannot log in with ${String(secret)}`))],
  ['its keys', Object.entries(secret).join()],
])('is not shown by %s', (_, shown) => {
  expect(shown).not.toContain('hunter2');
});

test('is given to whom it is meant for, by name', () => {
  expect(secret.reveal()).toBe('hunter2');
});

test('equals another that holds the same, so that a section is seen to be unchanged', () => {
  expect(secret.equals(new Secret('hunter2'))).toBe(true);
  expect(secret.equals(new Secret('hunter3'))).toBe(false);
});
