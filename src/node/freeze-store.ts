import type { Cause } from './cause.ts';

/** Since when, by whom and why nothing is launched or deleted. */
export type Freeze = Cause & { readonly since: Date };

/** `The farm is frozen since 2026-01-01T00:00:00Z (cli:ada: the cloud is sick)`. */
export function describeFreeze({ since, who, why }: Freeze): string {
  return `The farm is frozen since ${since.toISOString().slice(0, 19)}Z (${who}: ${why})`;
}

/** An operator's brake: while the farm is frozen, no daemon begins a launch or a deletion (adapter: src/db). */
export interface FreezeStore {
  /** Undefined: the farm is not frozen. */
  find(): Promise<Freeze | undefined>;
  /** Freezes the farm, or renews the reason; gives what holds from now on. Its beginning stays. */
  freeze(cause: Cause): Promise<Freeze>;
  /** False: it was not frozen. */
  thaw(): Promise<boolean>;
}
