import { expect, test } from 'vitest';
import { pickOne, systemRandomness } from '../../src/runtime/randomness.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';

test('picks by chance, each item with the same chance', () => {
  const items = ['az1', 'az2', 'az3', 'az4'];
  const pick = (fraction: number): string | undefined =>
    pickOne(items, Object.assign(new CountingRandomness(), { nextFraction: fraction }));

  expect([0, 0.24, 0.25, 0.5, 0.999_999].map(pick)).toEqual(['az1', 'az1', 'az2', 'az3', 'az4']);
});

test('picks nothing where there is nothing', () => {
  expect(pickOne<string>([], new CountingRandomness())).toBeUndefined();
});

test('the system’s ids are UUIDs of version 4 and do not come twice', () => {
  const ids = new Set(Array.from({ length: 1000 }, () => systemRandomness.uuid()));

  expect(ids.size).toBe(1000);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('the system’s hex digits are two per byte, its fractions in [0, 1)', () => {
  expect(systemRandomness.hex(16)).toMatch(/^[0-9a-f]{32}$/);
  expect(systemRandomness.fraction()).toBeGreaterThanOrEqual(0);
  expect(systemRandomness.fraction()).toBeLessThan(1);
});
