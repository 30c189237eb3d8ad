import type { Cause } from '../node/cause.ts';
import type { ImageEvent, ImageState } from './lifecycle.ts';

type Store<Row, Facts> = {
  find(id: number): Promise<Row | undefined>;
  apply(row: Row, event: ImageEvent, cause: Cause, facts?: Facts): Promise<Row | undefined>;
};

/** Applies the event to the row as it is now; undefined: it is not being built any more. */
export async function applyWhileBuilding<Row extends { readonly id: number; readonly state: ImageState }, Facts>(
  { id }: Pick<Row, 'id'>,
  change: { readonly event: 'built' | 'failed'; readonly cause: Cause; readonly facts: Facts },
  store: Store<Row, Facts>,
): Promise<Row | undefined> {
  for (let row = await store.find(id); row?.state === 'building'; row = await store.find(id)) {
    const changed = await store.apply(row, change.event, change.cause, change.facts);
    if (changed !== undefined) return changed;
  }
  return undefined;
}
