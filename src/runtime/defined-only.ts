/** `T` with each key that may be undefined made optional. */
export type DefinedOnly<T> = { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/** A copy without the keys whose value is undefined: what `exactOptionalPropertyTypes` wants of optional keys. */
export function definedOnly<T extends object>(object: T): DefinedOnly<T> {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as DefinedOnly<T>; // what the filter left is what the type says
}
