/** The value at a path of keys; undefined where the path leads nowhere. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}

/** The list at a path of keys; an empty one where there is none. */
export function listAt(value: unknown, ...keys: readonly string[]): unknown[] {
  const list = at(value, ...keys);
  return Array.isArray(list) ? (list as unknown[]) : [];
}
