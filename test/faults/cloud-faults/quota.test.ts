import { test } from 'vitest';
import { expectKept, FAULT_MS } from './expect-kept.ts';

test(
  'room for 9 of 20 servers and 50 jobs: hardly a call is refused, info shows why, and room is used within a minute',
  async () => {
    await expectKept('quota');
  },
  FAULT_MS,
);
