import type { Answer, Call } from './api-call.ts';
import type { View } from './network-views.ts';

const CONTROLS = new Set(['fields', 'limit', 'marker', 'sort_key', 'sort_dir', 'page_reverse']);

/** A list as Neutron gives every list: filters by any field, `fields`, order and pages. */
export function answerNeutronList(
  call: Call,
  list: { readonly name: string; readonly views: readonly View[] },
  origin: string,
): Answer {
  const wanted = sorted(
    list.views.filter((view) => fits(view, call)),
    call,
  );
  const marker = call.query.get('marker');
  const start = marker === null ? 0 : wanted.findIndex((view) => view['id'] === marker) + 1;
  const limit = Number(call.query.get('limit') ?? 0);
  const page = limit > 0 ? wanted.slice(start, start + limit) : wanted.slice(start);
  const links = limit > 0 ? pageLinks(call, page, { origin, hasMore: start + limit < wanted.length }) : [];
  const body = { [list.name]: page.map((view) => trim(view, call)) };
  return { status: 200, body: links.length > 0 ? { ...body, [`${list.name}_links`]: links } : body };
}

/** Only the fields asked for; all if none was. */
function trim(view: View, call: Call): View {
  const fields = call.query.getAll('fields');
  if (fields.length === 0) return view;
  return Object.fromEntries(Object.entries(view).filter(([key]) => fields.includes(key)));
}

/** A key that is given twice allows both values. */
function fits(view: View, call: Call): boolean {
  const keys = new Set([...call.query.keys()].filter((key) => !CONTROLS.has(key) && key in view));
  return [...keys].every((key) => call.query.getAll(key).some((value) => equals(view[key], value)));
}

function equals(shown: unknown, value: string): boolean {
  if (Array.isArray(shown))
    return shown.some((item) => JSON.stringify(item).includes(value.replace(/^ip_address=/, '')));
  return String(shown).toLowerCase() === value.toLowerCase();
}

function sorted(views: readonly View[], call: Call): readonly View[] {
  const key = call.query.get('sort_key') ?? 'id';
  const ordered = [...views].sort((a, b) => (String(a[key]) < String(b[key]) ? -1 : 1));
  return call.query.get('sort_dir') === 'desc' ? ordered.reverse() : ordered;
}

function pageLinks(
  call: Call,
  page: readonly View[],
  { origin, hasMore }: { readonly origin: string; readonly hasMore: boolean },
): unknown[] {
  const href = (view: View | undefined, isBack: boolean): string => {
    const query = new URLSearchParams([...call.query].filter(([key]) => key !== 'marker' && key !== 'page_reverse'));
    query.set('marker', String(view?.['id']));
    if (isBack) query.set('page_reverse', 'True');
    return `${origin}${call.path}?${query.toString()}`;
  };
  if (page.length === 0) return [];
  const next = hasMore ? [{ rel: 'next', href: href(page.at(-1), false) }] : [];
  return [...next, { rel: 'previous', href: href(page[0], true) }];
}
