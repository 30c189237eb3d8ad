import { describe, expect, test } from 'vitest';
import type { IdStore } from '../../../src/node/id-store.ts';

export type IdWorld = {
  readonly ids: IdStore;
  /** The id that the next node gets; absent where the store makes none. */
  readonly nextId: (() => Promise<number>) | undefined;
};

/** What every IdStore promises. */
export function describeIdStore(name: string, makeWorld: () => Promise<IdWorld>): void {
  describe(`${name}: ids`, () => {
    test('go on above an id that is greater than all before, with a margin', async () => {
      const { ids, nextId = () => Promise.resolve(1012) } = await makeWorld();

      expect(await ids.raiseAbove('node', 11, 1000)).toBe(1011);
      expect(await nextId()).toBe(1012);
    });

    test('never go back, and skip nothing where there is no reason', async () => {
      const { ids, nextId = () => Promise.resolve(21) } = await makeWorld();
      await ids.raiseAbove('node', 10, 10);

      expect(await ids.raiseAbove('node', 20, 1000)).toBeUndefined();
      expect(await ids.raiseAbove('node', 3, 1000)).toBeUndefined();
      expect(await nextId()).toBe(21);
    });

    test('of nodes and of images are apart', async () => {
      const { ids } = await makeWorld();
      await ids.raiseAbove('node', 500, 0);

      expect(await ids.raiseAbove('image', 7, 0)).toBe(7);
    });
  });
}
