import { Secret } from '../runtime/secret.ts';

/** Whether two sections say the same, secrets included: for "has this provider changed?". The order of keys does not count. */
export function sameSection(a: unknown, b: unknown): boolean {
  if (a instanceof Secret && b instanceof Secret) return a.equals(b);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => sameSection(item, b[i]));
  if (isPlainObject(a) && isPlainObject(b)) return sameKeys(a, b);
  return Object.is(a, b);
}

function sameKeys(a: PlainObject, b: PlainObject): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && sameSection(a[key], b[key]));
}

type PlainObject = Readonly<Record<string, unknown>>;

function isPlainObject(value: unknown): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Secret);
}
