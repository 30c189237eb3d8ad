import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSuperseded, nodesToRecycle, replacements } from '../../src/pool/superseded-nodes.ts';
import { aReadyNode } from '../builders/a-node.ts';
import { anImage } from '../builders/an-image.ts';

const LONG_AGO = new Date('2026-01-01T00:00:00Z');
const NOW = new Date('2026-01-02T00:00:00Z');
const IMAGES = [anImage({ id: 1 }), anImage({ id: 2 })];
const LABEL = { image: 'trusty', minReady: 2, recycleSuperseded: 2 };
const all = (): boolean => true;

describe('a node is superseded', () => {
  test('when its provider has a newer image ready, also where the row of its own is gone', () => {
    expect(isSuperseded(aReadyNode({ imageId: 1 }), 'trusty', IMAGES)).toBe(true);
    expect(isSuperseded(aReadyNode({ imageId: 1 }), 'trusty', [anImage({ id: 2 })])).toBe(true);
  });

  test.each([
    ['it is of the newest', aReadyNode({ imageId: 2 }), IMAGES],
    ['nobody knows its image', aReadyNode(), IMAGES],
    ['the newer one is another provider’s', aReadyNode({ imageId: 1 }), [anImage({ id: 2, provider: 'west' })]],
    ['the newer one waits for its smoke test', aReadyNode({ imageId: 1 }), [anImage({ id: 2, state: 'building' })]],
    ['no image is ready', aReadyNode({ imageId: 1 }), []],
    ['its own was newer, and was taken back', aReadyNode({ imageId: 3 }), IMAGES],
    [
      'its own is newer by its build, for ids of another database may be greater',
      aReadyNode({ imageId: 1 }),
      [anImage({ id: 1, version: 2_000_000_000 }), anImage({ id: 2 })],
    ],
  ])('but not when %s', (_why, node, images) => {
    expect(isSuperseded(node, 'trusty', images)).toBe(false);
  });
});

describe('of superseded nodes', () => {
  const idsOf = (facts: Partial<Parameters<typeof nodesToRecycle>[0]>): readonly number[] =>
    nodesToRecycle({ label: LABEL, nodes: [], images: IMAGES, isUsable: all, ...facts }, NOW).map(({ id }) => id);

  test('those that have waited longest go, as many as are more than min-ready', () => {
    const nodes = [3, 1, 2].map((id) =>
      aReadyNode({ id, imageId: 1, stateChangedAt: new Date(LONG_AGO.getTime() + id) }),
    );

    expect(idsOf({ nodes })).toEqual([1]);
  });

  test('none goes while only min-ready wait, and one that no job can get does not count', () => {
    const nodes = [1, 2, 3].map((id) => aReadyNode({ id, imageId: id === 3 ? 2 : 1 }));

    expect(idsOf({ nodes, isUsable: ({ id }) => id !== 3 })).toEqual([]);
    expect(idsOf({ nodes })).toEqual([1]);
  });

  test('so many go at once as the key says, with those that are on their way out', () => {
    const old = [1, 2, 3, 4, 5, 6].map((id) => aReadyNode({ id, imageId: 1 }));

    expect(idsOf({ nodes: old })).toEqual([1, 2]);
    expect(idsOf({ nodes: [...old, aReadyNode({ id: 7, imageId: 1, state: 'delete' })] })).toEqual([1]);
    expect(idsOf({ nodes: [...old, ...[7, 8].map((id) => aReadyNode({ id, imageId: 1, state: 'delete' }))] })).toEqual(
      [],
    );
  });

  test('one that became ready within the last minute stays: a job may be about to take it', () => {
    const nodes = [1, 2, 3].map((id) => aReadyNode({ id, imageId: 1, stateChangedAt: NOW }));

    expect(idsOf({ nodes })).toEqual([]);
  });

  test('never one that is held, used or new goes, nor so many that fewer than min-ready wait', () => {
    const node = fc.record({
      state: fc.constantFrom('building', 'test', 'ready', 'used', 'hold', 'delete'),
      imageId: fc.constantFrom(1, 2),
    } as const);
    fc.assert(
      fc.property(fc.array(node), fc.nat(4), fc.nat(4), (facts, minReady, recycleSuperseded) => {
        const nodes = facts.map((each, index) => aReadyNode({ id: index + 1, ...each }));
        const label = { image: 'trusty', minReady, recycleSuperseded };
        const going = nodesToRecycle({ label, nodes, images: IMAGES, isUsable: all }, NOW);
        const ready = nodes.filter(({ state }) => state === 'ready').length;

        expect(going.every(({ state, imageId }) => state === 'ready' && imageId === 1)).toBe(true);
        expect(going.length).toBeLessThanOrEqual(recycleSuperseded);
        if (going.length > 0) expect(ready - going.length).toBeGreaterThanOrEqual(minReady);
      }),
    );
  });
});

describe('new nodes are launched before old ones go', () => {
  test('as many as are replaced at once, once the label has what it needs', () => {
    expect(replacements(LABEL, { demand: 1, supply: 3, superseded: 5 })).toBe(2);
    expect(replacements(LABEL, { demand: 1, supply: 3, superseded: 1 })).toBe(1);
    expect(replacements(LABEL, { demand: 1, supply: 3, superseded: 0 })).toBe(0);
  });

  test('none while jobs wait for nodes, and none where no node is kept ready', () => {
    expect(replacements(LABEL, { demand: 2, supply: 3, superseded: 5 })).toBe(0);
    expect(replacements({ ...LABEL, minReady: 0 }, { demand: 0, supply: 3, superseded: 3 })).toBe(0);
    expect(replacements({ ...LABEL, minReady: -1 }, { demand: 0, supply: 3, superseded: 3 })).toBe(0);
  });
});
