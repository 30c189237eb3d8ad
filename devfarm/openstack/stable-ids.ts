import { createHash } from 'node:crypto';

/** 32 hex digits made from a name, as Keystone's ids look: the same after every restart. */
export function stableHexId(kind: string, name: string): string {
  return createHash('md5').update(`${kind} ${name}`).digest('hex');
}

/** A UUID made from a name: the same after every restart. */
export function stableUuid(kind: string, name: string): string {
  const hex = stableHexId(kind, name);
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join('-');
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}
