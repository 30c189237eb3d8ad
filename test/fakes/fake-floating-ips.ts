import type { FloatingClaim, FloatingIp, ReachableAddresses } from '../../src/provider/cloud-provider.ts';

/** Floating addresses in memory, as CloudProvider promises them. */
export class FakeFloatingIps {
  /** Whether servers need one. */
  needed = false;
  readonly #all = new Map<string, FloatingIp>();
  #made = 0;

  get all(): readonly FloatingIp[] {
    return [...this.#all.values()];
  }

  /** Puts one there that the fake did not make. */
  add(floating: FloatingIp): void {
    this.#all.set(floating.id, floating);
  }

  /** Puts the claim's note on an address that leads nowhere and may be used again, where the claim has none yet. */
  async reuse({ note, mayReuse }: FloatingClaim): Promise<void> {
    if (!this.needed || mayReuse === undefined || this.all.some((floating) => floating.note === note)) return;
    for (const floating of this.all) {
      if (floating.isBound || !(await mayReuse(floating.note))) continue;
      this.add({ ...floating, note });
      return;
    }
  }

  makeReachable(serverId: string, note: string, addresses: ReachableAddresses): ReachableAddresses {
    if (!this.needed) return addresses;
    const known = this.all.find((floating) => floating.note === note);
    const { revision = 0, ...made } = known ?? this.#make(note);
    const floating = { ...made, isBound: true, serverId, revision: revision + 1 };
    this.add(floating);
    return { ...addresses, public: floating.ip };
  }

  release(note: string): void {
    for (const { id } of this.all.filter((floating) => floating.note === note)) this.#all.delete(id);
  }

  removeIfStill({ id, revision }: Pick<FloatingIp, 'id' | 'revision'>): 'gone' | 'changed' {
    const floating = this.#all.get(id);
    if (revision !== undefined && floating !== undefined && floating.revision !== revision) return 'changed';
    this.#all.delete(id);
    return 'gone';
  }

  /** The address of a server that goes stays, and leads nowhere. */
  forgetServer(id: string): void {
    for (const { serverId, ...floating } of this.all) if (serverId === id) this.add({ ...floating, isBound: false });
  }

  #make(note: string): FloatingIp {
    this.#made += 1;
    return { id: `floating-${this.#made}`, ip: `203.0.113.${this.#made}`, note, isBound: false };
  }
}
