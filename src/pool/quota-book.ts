import type { Limits } from '../provider/cloud-provider.ts';

/** What was last seen of a provider's project. */
export type Quota = {
  readonly limits: Limits;
  /** Servers in the project that are no nodes of ours: other people's, image builds, another Nodepool's. */
  readonly others: number;
};

/** What the clouds' quotas leave room for, by provider. */
export class QuotaBook {
  readonly #quotas = new Map<string, Quota>();

  note(provider: string, quota: Quota): void {
    this.#quotas.set(provider, quota);
  }

  find(provider: string): Quota | undefined {
    return this.#quotas.get(provider);
  }

  /** How many nodes of ours the project holds at most; undefined: not known, or without limit. */
  mostNodes(provider: string): number | undefined {
    const quota = this.#quotas.get(provider);
    const most = quota?.limits.maxInstances;
    return quota === undefined || most === undefined ? undefined : Math.max(0, most - quota.others);
  }
}
