import type { FloatingIp, Server } from '../provider/cloud-provider.ts';

/** What to bind: a server, and where on it a floating address leads. */
export type FloatingOrder = {
  readonly server: Server;
  /** Its fixed IPv4 address. */
  readonly fixed: string;
  /** Written to the address where the service keeps such a note: finds it again. */
  readonly note: string;
};

/** A service that has floating addresses: Neutron, or Nova's proxy where a cloud has no Neutron. */
export interface FloatingSource {
  /** Whether an address can be found again by its note. */
  readonly keepsNotes: boolean;
  /** The project's. Nova's have no notes. */
  list(signal: AbortSignal): Promise<readonly FloatingIp[]>;
  /** Those that bear the note. */
  findByNote(note: string, signal: AbortSignal): Promise<readonly FloatingIp[]>;
  /**
   * Takes a new address and binds it.
   * @throws {QuotaExceededError} no address is left, for us or at all
   * @throws {UnreachableNetworkError} the server's network does not lead to where floating addresses come from
   * @throws {UnknownOutcomeError} look for the note before trying again
   */
  bindNew(order: FloatingOrder, signal: AbortSignal): Promise<string>;
  /** Binds an address that is there already. */
  bind(floating: FloatingIp, order: FloatingOrder, signal: AbortSignal): Promise<string>;
  /** Idempotent; 404 is success. */
  remove(id: string, signal: AbortSignal): Promise<void>;
}

/** No router leads from the server's network to the floating addresses' one. */
export class UnreachableNetworkError extends Error {
  override readonly name = 'UnreachableNetworkError';
}
