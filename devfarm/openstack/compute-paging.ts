import { ApiFailure } from './api-call.ts';
import type { Call } from './api-call.ts';
import type { Identified } from './journal.ts';

export type Link = { readonly rel: string; readonly href: string };

/** The two links that Nova gives with each thing. */
export function linksTo(origin: string, path: string): readonly [Link, Link] {
  return [
    { rel: 'self', href: `${origin}/v2.1/${path}` },
    { rel: 'bookmark', href: `${origin}/${path}` },
  ];
}

export type PagingLimits = {
  /** Base URL of the service, for the link to the next page. */
  readonly origin: string;
  /** Most items on a page, asked for or not. */
  readonly maxItems: number;
};

export type Page<T> = {
  readonly items: readonly T[];
  /** Empty on the last page. */
  readonly links: readonly Link[];
};

/**
 * Cuts the page that `limit` and `marker` ask for.
 * @throws {ApiFailure} 400: no such marker, or a limit that is no number
 */
export function cutPage<T extends Identified>(items: readonly T[], call: Call, limits: PagingLimits): Page<T> {
  const { origin, maxItems } = limits;
  const marker = call.query.get('marker');
  const start = marker === null ? 0 : items.findIndex(({ id }) => id === marker) + 1;
  if (marker !== null && start === 0) throw new ApiFailure(400, `marker [${marker}] not found`);
  // Nova takes 0 for "as many as there may be".
  const size = Math.min(limitOf(call) || maxItems, maxItems);
  const page = items.slice(start, start + size);
  const last = page.at(-1);
  // Like Nova, by the length alone: after a full last page comes an empty one.
  const hasMore = last !== undefined && page.length === size;
  return { items: page, links: hasMore ? [{ rel: 'next', href: nextPage(call, origin, last.id) }] : [] };
}

function limitOf(call: Call): number {
  const limit = call.query.get('limit');
  if (limit === null) return 0;
  if (!/^\d+$/.test(limit)) {
    throw new ApiFailure(
      400,
      `Invalid input for query parameters limit. Value: ${limit}. '${limit}' does not match '^[0-9]*$'`,
    );
  }
  return Number(limit);
}

/** The same query, parameters in order of name, the marker last. */
function nextPage(call: Call, origin: string, marker: string): string {
  const pairs = [...call.query].filter(([key]) => key !== 'marker').sort(([a], [b]) => (a < b ? -1 : 1));
  return `${origin}${call.path}?${new URLSearchParams([...pairs, ['marker', marker]]).toString()}`;
}
