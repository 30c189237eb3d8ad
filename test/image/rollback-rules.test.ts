import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newestFirst } from '../../src/image/image-rules.ts';
import { badImages } from '../../src/image/rollback-rules.ts';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import { aConfig, aProvider, aProviderImage } from '../builders/a-config.ts';
import { anImage } from '../builders/an-image.ts';

const BAD = { failedLaunches: 3, lastError: 'Node 9: No ssh' };

function badIds(rows: readonly SnapshotImage[], rollbackAfter = 3): readonly number[] {
  const providers = [aProvider({ images: [aProviderImage({ rollbackAfter })] })];
  return badImages(aConfig({ providers }), rows).map(({ row }) => row.id);
}

describe('a new image is given up', () => {
  test('after so many launches in a row that failed, and the one before it serves', () => {
    const providers = [aProvider({ images: [aProviderImage({ rollbackAfter: 3 })] })];
    const rows = [anImage({ id: 1 }), anImage({ id: 2, ...BAD })];

    expect(badImages(aConfig({ providers }), rows)).toEqual([
      { row: rows[1], before: rows[0], why: 'The first 3 launches from it failed: Node 9: No ssh' },
    ]);
  });

  test.each([
    ['too few failed', [anImage({ id: 1 }), anImage({ id: 2, failedLaunches: 2 })]],
    ['one worked', [anImage({ id: 1 }), anImage({ id: 2, ...BAD, launchedAt: new Date(0) })]],
    ['it is the only one', [anImage({ id: 2, ...BAD })]],
    ['the one before it is being deleted', [anImage({ id: 1, state: 'delete' }), anImage({ id: 2, ...BAD })]],
    ['the one before it is not whole', [anImage({ id: 1, state: 'building' }), anImage({ id: 2, ...BAD })]],
    ['the others are another provider’s', [anImage({ id: 1, provider: 'west' }), anImage({ id: 2, ...BAD })]],
    ['a newer one is ready already', [anImage({ id: 1, ...BAD }), anImage({ id: 2 })]],
  ])('but not when %s', (_why, rows) => {
    expect(badIds(rows)).toEqual([]);
  });

  test('but never without the key', () => {
    expect(badIds([anImage({ id: 1 }), anImage({ id: 2, failedLaunches: 99 })], 0)).toEqual([]);
  });

  test('only ever the newest, and only where another one is ready', () => {
    const row = fc.record({
      state: fc.constantFrom('building' as const, 'ready' as const, 'delete' as const),
      failedLaunches: fc.nat(6),
      worked: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), (facts) => {
        const rows = facts.map(({ worked, ...each }, index) =>
          anImage({ id: index + 1, ...each, ...(worked && { launchedAt: new Date(0) }) }),
        );
        const ready = rows.filter(({ state }) => state === 'ready').sort(newestFirst);

        for (const id of badIds(rows)) {
          expect(id).toBe(ready[0]?.id);
          expect(ready.length).toBeGreaterThan(1);
          expect(ready[0]?.launchedAt).toBeUndefined();
        }
      }),
    );
  });
});
