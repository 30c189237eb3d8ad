import { test } from 'vitest';
import { expectKept, FAULT_MS } from './expect-kept.ts';

test.each([
  ['puts each fifth server into ERROR', 'create-errors'],
  ['answers 503', 'nova-503'],
  ['is killed with the rest of its cloud', 'nova-killed'],
  ['hangs', 'nova-hang'],
  ['makes servers and loses its answer', 'answer-lost'],
])(
  'a Nova that %s is named as the reason, spoils no other provider and leaves nothing behind',
  async (_, fault) => {
    await expectKept(fault);
  },
  FAULT_MS,
);
