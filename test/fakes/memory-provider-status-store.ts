import type { ProviderStatus, ProviderStatusStore } from '../../src/provider/provider-status.ts';
import type { Clock } from '../../src/runtime/clock.ts';

/** The providers' health in memory. */
export class MemoryProviderStatusStore implements ProviderStatusStore {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #all = new Map<string, ProviderStatus>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  find(provider: string): Promise<ProviderStatus | undefined> {
    return Promise.resolve(this.#all.get(provider));
  }

  list(): Promise<readonly ProviderStatus[]> {
    return Promise.resolve([...this.#all.values()].sort((a, b) => (a.provider < b.provider ? -1 : 1)));
  }

  save(status: Omit<ProviderStatus, 'changedAt'>): Promise<void> {
    this.#all.set(status.provider, { ...status, changedAt: this.#clock.now() });
    return Promise.resolve();
  }

  touch(provider: string): Promise<void> {
    const stored = this.#all.get(provider);
    if (stored !== undefined) this.#all.set(provider, { ...stored, changedAt: this.#clock.now() });
    return Promise.resolve();
  }

  remove(provider: string): Promise<void> {
    this.#all.delete(provider);
    return Promise.resolve();
  }
}
