import { expect, test } from 'vitest';
import { z } from 'zod';
import { listOf } from '../../src/runtime/list-of.ts';

const Names = z.object({ items: listOf(z.object({ name: z.string() })) });

test('a good list comes out as its items say', () => {
  expect(Names.parse({ items: [{ name: 'a', more: 1 }] })).toEqual({ items: [{ name: 'a' }] });
});

test('of a million bad items the first is complained of, for a million complaints fill the memory', () => {
  const parsed = Names.safeParse({ items: Array(1_000_000).fill({}) });

  expect(parsed.error?.issues).toHaveLength(1);
  expect(parsed.error?.issues[0]?.path).toEqual(['items', 0, 'name']);
});
