import type { Limits, ServerSize } from './cloud-provider.ts';

/** Launching something is suspended: a breaker that opened, or a pause for want of quota. */
export type Suspension = {
  /** What is suspended within the provider, e.g. `az1 m1.large`; empty: all of it. */
  readonly what: string;
  readonly since: Date;
  readonly until: Date;
  /** Failures in a row that led to it. */
  readonly failures: number;
  /** One sentence for the operator. */
  readonly reason: string;
};

/** What is known about a provider's health: the same for every process and the command line. */
export type ProviderStatus = {
  readonly provider: string;
  /** Open after repeated failures. */
  readonly breakers: readonly Suspension[];
  /** For want of quota. */
  readonly pauses: readonly Suspension[];
  /** The quota last seen. */
  readonly limits?: Limits;
  /** What a server of each image takes; absent where nothing bounds cores and memory. */
  readonly sizes?: Readonly<Record<string, ServerSize>>;
  /** Why the cloud could not be read the last time; absent: it could. */
  readonly lastError?: string;
  /** When it was stored, or last found to hold still. */
  readonly changedAt: Date;
};

/** Keeps the status of providers (adapter: src/db). */
export interface ProviderStatusStore {
  find(provider: string): Promise<ProviderStatus | undefined>;
  /** Ordered by provider. */
  list(): Promise<readonly ProviderStatus[]>;
  /** Replaces what is known, and tells those who wait for changes. */
  save(status: Omit<ProviderStatus, 'changedAt'>): Promise<void>;
  /** Says that what is stored still holds; nobody is told. */
  touch(provider: string): Promise<void>;
  remove(provider: string): Promise<void>;
}
