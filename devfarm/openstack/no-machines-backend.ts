import type { KnownServer, Machine, MachineBackend, MachineStatus, SavedImage } from './machine-backend.ts';

const SIZE_BYTES = 524_288;
/** Of the first byte that is given: .80.0.1 to .255.255.254. */
const FIRST_ADDRESS = (80 << 16) + 1;
const ADDRESSES = (255 - 80) * 65_536 + 65_534;

/** No machines at all, for load tests: a "machine" is an address with nothing behind. Uses no time. */
export class NoMachinesBackend implements MachineBackend {
  readonly #machines = new Map<string, { address: string; status: MachineStatus }>();
  readonly #taken = new Set<string>();
  readonly #net: number;
  #next = 0;

  /** @param net first byte of the addresses: 127, which needs no floating address, or 10, which does */
  constructor(net: 10 | 127 = 127) {
    this.#net = net << 24;
  }

  adopt(known: readonly KnownServer[]): Promise<ReadonlyMap<string, MachineStatus>> {
    const statuses = new Map<string, MachineStatus>();
    for (const { serverId, address } of known) {
      if (address !== undefined) this.#keep(serverId, address);
      statuses.set(serverId, address === undefined ? 'missing' : 'running');
    }
    return Promise.resolve(statuses);
  }

  start(request: { readonly serverId: string }): Promise<Machine> {
    const known = this.#machines.get(request.serverId);
    const address = known?.address ?? this.#freeAddress();
    this.#keep(request.serverId, address);
    return Promise.resolve({ address });
  }

  delete(serverId: string): Promise<void> {
    const machine = this.#machines.get(serverId);
    if (machine !== undefined) this.#taken.delete(machine.address);
    this.#machines.delete(serverId);
    return Promise.resolve();
  }

  reboot(): Promise<void> {
    return Promise.resolve();
  }

  stop(serverId: string): Promise<void> {
    const machine = this.#machines.get(serverId);
    if (machine !== undefined) machine.status = 'stopped';
    return Promise.resolve();
  }

  powerOn(serverId: string): Promise<void> {
    const machine = this.#machines.get(serverId);
    if (machine !== undefined) machine.status = 'running';
    return Promise.resolve();
  }

  status(serverId: string): Promise<MachineStatus> {
    return Promise.resolve(this.#machines.get(serverId)?.status ?? 'missing');
  }

  console(serverId: string): Promise<string> {
    return Promise.resolve(`[    0.000000] No machine stands behind server ${serverId}\nlogin: \n`);
  }

  snapshot(): Promise<SavedImage> {
    return Promise.resolve({ sizeBytes: SIZE_BYTES });
  }

  deleteImage(): Promise<void> {
    return Promise.resolve();
  }

  attachAddress(): Promise<void> {
    return Promise.resolve();
  }

  detachAddress(): Promise<void> {
    return Promise.resolve();
  }

  #keep(serverId: string, address: string): void {
    this.#taken.add(address);
    this.#machines.set(serverId, { address, status: 'running' });
  }

  #freeAddress(): string {
    for (let tries = 0; tries < ADDRESSES; tries += 1) {
      const address = dotted(this.#net + FIRST_ADDRESS + (this.#next % ADDRESSES));
      this.#next += 1;
      if (!this.#taken.has(address)) return address;
    }
    throw new Error('Cannot start a machine: every address is taken');
  }
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}
