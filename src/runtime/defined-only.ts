/** `T` with each key that may be undefined made optional. */
export type DefinedOnly<T> = { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/** A copy without the keys whose value is undefined: what `exactOptionalPropertyTypes` wants of optional keys. */
export function definedOnly<T extends object>(object: T): DefinedOnly<T> {
  const entries: [string, unknown][] = Object.entries(object);
  const kept: Record<string, unknown> = {};
  for (const [key, value] of entries) if (value !== undefined) kept[key] = value;
  return kept as DefinedOnly<T>; // what the loop kept is what the type says
}
