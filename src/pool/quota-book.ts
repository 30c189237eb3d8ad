import type { Limits, ServerSize } from '../provider/cloud-provider.ts';

/** What was last seen of a provider's project. */
export type Quota = {
  readonly limits: Limits;
  /** Servers in the project that are no nodes of ours: other people's, image builds, another Nodepool's. */
  readonly others: number;
  /** What these take together. */
  readonly othersSize: ServerSize;
  /** What a server of each image takes; undefined where neither the cloud nor the provider bounds cores or memory. */
  readonly sizes: ReadonlyMap<string, ServerSize> | undefined;
};

/** What the clouds' quotas leave room for, by provider. */
export class QuotaBook {
  readonly #quotas = new Map<string, Quota>();
  readonly #troubles = new Map<string, string>();

  note(provider: string, quota: Quota): void {
    this.#quotas.set(provider, quota);
    this.#troubles.delete(provider);
  }

  /** The project could not be read: what was seen before is all that is known. */
  noteTrouble(provider: string, reason: string): void {
    this.#troubles.set(provider, reason);
  }

  /** Why the project could not be read; undefined: it could. */
  troubleOf(provider: string): string | undefined {
    return this.#troubles.get(provider);
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

  /** What nodes of ours may take there together, by the project's quota; a part is absent if not known or without limit. */
  mostSize(provider: string): Partial<ServerSize> {
    const quota = this.#quotas.get(provider);
    if (quota === undefined) return {};
    const { limits, othersSize } = quota;
    return {
      ...(limits.maxCores !== undefined && { cores: Math.max(0, limits.maxCores - othersSize.cores) }),
      ...(limits.maxRamMib !== undefined && { ramMib: Math.max(0, limits.maxRamMib - othersSize.ramMib) }),
    };
  }
}
