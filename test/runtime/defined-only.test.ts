import { expect, test } from 'vitest';
import { definedOnly } from '../../src/runtime/defined-only.ts';

test('leaves out what is undefined, and nothing else', () => {
  const copy = definedOnly({ a: undefined, b: null, c: 0, d: '', e: false, f: [] });

  expect(Object.entries(copy)).toEqual([
    ['b', null],
    ['c', 0],
    ['d', ''],
    ['e', false],
    ['f', []],
  ]);
});

test('is a copy: the original keeps its keys', () => {
  const original = { a: undefined, b: 1 };

  definedOnly(original);

  expect(Object.keys(original)).toEqual(['a', 'b']);
});
