import type { FloatingIp, ReachableAddresses } from '../../src/provider/cloud-provider.ts';

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

  makeReachable(serverId: string, note: string, addresses: ReachableAddresses): ReachableAddresses {
    if (!this.needed) return addresses;
    const known = this.all.find((floating) => floating.note === note);
    const floating = { ...(known ?? this.#make(note)), isBound: true, serverId };
    this.add(floating);
    return { ...addresses, public: floating.ip };
  }

  release(note: string): void {
    for (const { id } of this.all.filter((floating) => floating.note === note)) this.#all.delete(id);
  }

  remove(id: string): void {
    this.#all.delete(id);
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
