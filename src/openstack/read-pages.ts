import { TransientProviderError } from '../provider/errors.ts';

/** Bounds a server whose pages have no end. */
const MAX_PAGES = 1_000;
const MAX_RESTARTS = 5;

export type Page<T> = {
  readonly items: readonly T[];
  /** The query of the next page: `limit=…&marker=…`. */
  readonly next?: string;
};

/**
 * All items of a paged list, each once. Begins anew when the item that marks a page vanished meanwhile.
 * @param readPage gives 'marker-gone' where the service does not know the marker
 * @throws {TransientProviderError} the list changes too fast, or has no end
 */
export async function readPages<T extends { readonly id: string }>(
  readPage: (query: string | undefined) => Promise<Page<T> | 'marker-gone'>,
): Promise<readonly T[]> {
  for (let restarts = 0; restarts <= MAX_RESTARTS; restarts += 1) {
    const items = await readOnce(readPage);
    if (items !== 'marker-gone') return items;
  }
  throw new TransientProviderError('Cannot read the list: its items vanish between pages');
}

async function readOnce<T extends { readonly id: string }>(
  readPage: (query: string | undefined) => Promise<Page<T> | 'marker-gone'>,
): Promise<readonly T[] | 'marker-gone'> {
  const items = new Map<string, T>();
  let query: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const page = await readPage(query);
    if (page === 'marker-gone') return page;
    const known = items.size;
    for (const item of page.items) items.set(item.id, item);
    if (page.next === undefined || page.items.length === 0) return [...items.values()];
    if (items.size === known) throw new TransientProviderError('Cannot read the list: its pages repeat themselves');
    query = page.next;
  }
  throw new TransientProviderError(`Cannot read the list: it has more than ${MAX_PAGES} pages`);
}

/** The query part of a link to the next page. Host and path are ours: behind proxies a link often names an inner host. */
export function queryOf(link: string | undefined): string | undefined {
  const query = link?.split('?', 2)[1];
  return query === undefined || query === '' ? undefined : query;
}
