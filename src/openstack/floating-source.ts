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
  /** Binds an address that is there already, and that nobody else takes: it bears the note. */
  bind(floating: FloatingIp, order: FloatingOrder, signal: AbortSignal): Promise<string>;
  /**
   * Those that bear a Nodepool's note, lead nowhere, and come from where new ones would; none where the cloud cannot
   * compare revisions, for then two could take the same.
   */
  listFreed(signal: AbortSignal): Promise<readonly FloatingIp[]>;
  /**
   * Writes the order's note on one of those and binds it, in one step. Undefined: somebody was faster, or the answer to an
   * earlier try was lost: look for the note.
   * @throws {UnknownOutcomeError} look for the note before trying again
   */
  takeFreed(floating: FloatingIp, order: FloatingOrder, signal: AbortSignal): Promise<string | undefined>;
  /** Idempotent; 404 is success. `changed`: it is not as it was listed any more, and stays. */
  remove(floating: Pick<FloatingIp, 'id' | 'revision'>, signal: AbortSignal): Promise<'gone' | 'changed'>;
}

/** No router leads from the server's network to the floating addresses' one. */
export class UnreachableNetworkError extends Error {
  override readonly name = 'UnreachableNetworkError';
}
