import { expect, test } from 'vitest';
import { sameSection } from '../../src/config/same-section.ts';
import { Secret } from '../../src/runtime/secret.ts';

test.each([
  [{ a: 1, b: [{ c: 'x' }] }, { b: [{ c: 'x' }], a: 1 }, true],
  [{ a: new Secret('x') }, { a: new Secret('x') }, true],
  [{ a: new Secret('x') }, { a: new Secret('y') }, false],
  [{ a: new Secret('x') }, { a: 'x' }, false],
  [new Secret('x'), {}, false],
  [[1, 2], [2, 1], false],
  [[1], [1, 2], false],
  [[], {}, false],
  [{ a: undefined }, { b: undefined }, false],
  [{ a: 1 }, { a: 1, b: 2 }, false],
  [undefined, undefined, true],
  [null, {}, false],
])('%j and %j: %s', (a, b, same) => {
  expect(sameSection(a, b)).toBe(same);
});
