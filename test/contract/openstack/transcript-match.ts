/** Compares an answer with a recorded one, strictly but for what must differ: ids, times, addresses, sums. */

import { at } from './at.ts';

/** What a recorded id is called in the cloud at hand. Learned while comparing. */
export type IdBook = Map<string, string>;

const FREE_KEYS = new Set(
  (
    'adminPass checksum os_hash_value private_key public_key fingerprint hostId request_id revision_number ' +
    'standard_attr_id allocation_pools security_group_rules rules output'
  ).split(' '),
);

/** Kinds of values that each cloud makes for itself. These must stay the same once seen. */
const LEARNED = [
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  /^[0-9a-f]{32}$/,
  /^\d+\.\d+\.\d+\.\d+$/,
  /^fa:16:3e(:[0-9a-f]{2}){3}$/,
];
const VARYING = [
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/,
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/,
  /^az\d$/,
  /^compute:az\d$/,
  /^\[ +0\.000000\] /,
];

/** The text with every id that is known replaced by its name here. */
export function translate(text: string, ids: IdBook): string {
  return [...ids].reduce((result, [recorded, actual]) => result.replaceAll(recorded, actual), text);
}

/** Where and how the two differ; empty if they agree. Learns ids on the way. */
export function differences(recorded: unknown, actual: unknown, ids: IdBook): string[] {
  return compare({ recorded, actual, path: '' }, ids);
}

type Pair = { readonly recorded: unknown; readonly actual: unknown; readonly path: string };

function compare({ recorded, actual, path }: Pair, ids: IdBook): string[] {
  if (recorded === '<cut>') return [];
  if (isFree(path)) return [];
  const kind = kindOf(recorded);
  if (kind !== kindOf(actual)) return [`${path}: ${show(recorded)} was recorded, but got ${show(actual)}`];
  if (Array.isArray(recorded)) return compareLists({ recorded, actual, path }, ids);
  if (kind === 'object') return compareObjects({ recorded, actual, path }, ids);
  if (recorded === actual) return [];
  if (typeof recorded === 'string' && typeof actual === 'string' && agree(recorded, actual, ids)) return [];
  return [`${path}: ${show(recorded)} was recorded, but got ${show(actual)}`];
}

function isFree(path: string): boolean {
  return FREE_KEYS.has(path.split('.').at(-1) ?? '');
}

function agree(recorded: string, actual: string, ids: IdBook): boolean {
  if (LEARNED.some((pattern) => pattern.test(recorded) && pattern.test(actual))) {
    const known = ids.get(recorded);
    if (known === undefined) ids.set(recorded, actual);
    return known === undefined || known === actual;
  }
  if (VARYING.some((pattern) => pattern.test(recorded) && pattern.test(actual))) return true;
  return mask(actual).startsWith(mask(translate(recorded, ids)));
}

/** Without ids that are named nowhere else, and without the end of a text that was cut. */
function mask(text: string): string {
  return text
    .replace(/….*$/s, '')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '#')
    .replaceAll(/\d+\.\d+\.\d+\.\d+/g, '#')
    .trim();
}

function compareLists({ recorded, actual, path }: Pair, ids: IdBook): string[] {
  const a = recorded as unknown[];
  const b = path === '.networks' ? inOrderOf(a, actual as unknown[]) : (actual as unknown[]);
  if ((a.length === 0) !== (b.length === 0)) return [`${path}: ${a.length} items were recorded, but got ${b.length}`];
  const common = Math.min(a.length, b.length);
  return a
    .slice(0, common)
    .flatMap((item, index) => compare({ recorded: item, actual: b[index], path: `${path}[]` }, ids));
}

/** Networks come in the order of their ids, which each cloud makes for itself: they are found by their names. */
function inOrderOf(recorded: readonly unknown[], actual: readonly unknown[]): unknown[] {
  const nameOf = (network: unknown): unknown => at(network, 'name') ?? at(network, 'label');
  const place = (network: unknown): number => recorded.findIndex((each) => nameOf(each) === nameOf(network));
  return [...actual].sort((a, b) => place(a) - place(b));
}

function compareObjects({ recorded, actual, path }: Pair, ids: IdBook): string[] {
  const [a, b] = [recorded as Record<string, unknown>, actual as Record<string, unknown>];
  const missing = Object.keys(a)
    .filter((key) => !(key in b))
    .map((key) => `${path}.${key}: missing`);
  const surplus = Object.keys(b)
    .filter((key) => !(key in a))
    .map((key) => `${path}.${key}: was not recorded`);
  const common = Object.keys(a).filter((key) => key in b);
  const inner = common.flatMap((key) => compare({ recorded: a[key], actual: b[key], path: `${path}.${key}` }, ids));
  return [...missing, ...surplus, ...inner];
}

/** An empty text is a kind of its own: Nova says a lot with it. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (value === '') return 'empty text';
  return typeof value;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
