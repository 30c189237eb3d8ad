import type { IdStore, IdSubject } from '../../src/node/id-store.ts';

/** Ids in memory: what was asked for is kept. Held to the store contract. */
export class MemoryIdStore implements IdStore {
  readonly last: Record<IdSubject, number>;

  constructor(last: Partial<Record<IdSubject, number>> = {}) {
    this.last = { node: 0, image: 0, 'dib-image': 0, ...last };
  }

  raiseAbove(subject: IdSubject, id: number, margin: number): Promise<number | undefined> {
    if (id <= this.last[subject]) return Promise.resolve(undefined);
    this.last[subject] = id + margin;
    return Promise.resolve(this.last[subject]);
  }
}
