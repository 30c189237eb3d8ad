import { test } from 'vitest';
import { expectKept, FAULT_MS } from './expect-kept.ts';

test.each([
  ['a token is revoked', 'token-revoked'],
  ['a token expires and Keystone is down', 'token-expired'],
  ['Keystone is down when the daemon starts', 'keystone-down-at-start'],
  ['Keystone is down when the tokens are revoked', 'keystone-down-later'],
])(
  'while %s, the reason is told, the other provider serves, and nothing is left behind',
  async (_, fault) => {
    await expectKept(fault);
  },
  FAULT_MS,
);
