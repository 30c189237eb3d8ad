import { describeError } from '../../src/runtime/errors.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import { UnfitMachineError } from '../instances/host-mode.ts';
import type { InstanceHost } from '../instances/instance-host.ts';
import { DiskFullError } from '../instances/run-program.ts';
import { AddressForwarder } from './address-forwarder.ts';
import { Journal } from './journal.ts';
import type { Collection } from './journal.ts';
import type {
  FloatingAddress,
  ImageUpload,
  KnownServer,
  Machine,
  MachineBackend,
  MachineRequest,
  MachineStatus,
  SavedImage,
} from './machine-backend.ts';

/** A snapshot is folders on disk; Glance's users want to see some size. */
const NOMINAL_SIZE_BYTES = 524_288;

/** What the backend needs of an instance host. */
export type Instances = Pick<
  InstanceHost,
  'create' | 'start' | 'stop' | 'kill' | 'reboot' | 'delete' | 'snapshot' | 'status' | 'console'
> &
  Pick<InstanceHost, 'list' | 'find' | 'findImage' | 'importDisk' | 'deleteImage' | 'port'>;

export type InstancesBackendDeps = {
  /** This backend's own: instances in it that no server stands for are removed. */
  readonly host: Instances;
  readonly log: Logger;
};

/** Which instance stands behind a server. */
type MachineRecord = { readonly id: string; readonly instanceId: string; readonly address: string };

/** Servers that are real instances on loopback addresses: one can log in to them. */
export class InstancesBackend implements MachineBackend {
  readonly #host: Instances;
  readonly #journal: Journal;
  readonly #machines: Collection<MachineRecord>;
  readonly #forwarder: AddressForwarder;

  /** `stateDir`: a folder of its own, for remembering which instance is whose. */
  constructor(stateDir: string, deps: InstancesBackendDeps) {
    this.#host = deps.host;
    this.#journal = new Journal(stateDir);
    this.#machines = this.#journal.collection('machine');
    this.#journal.compact();
    this.#forwarder = new AddressForwarder(deps);
  }

  async adopt(known: readonly KnownServer[]): Promise<ReadonlyMap<string, MachineStatus>> {
    const wanted = new Set(known.map(({ serverId }) => serverId));
    for (const { id } of this.#machines.all()) if (!wanted.has(id)) this.#machines.remove(id);
    const kept = new Set(this.#machines.all().map(({ instanceId }) => instanceId));
    // Also those that were made the moment before a crash, of which nobody knows.
    const leftovers = this.#host.list().filter(({ id }) => !kept.has(id));
    await Promise.all(leftovers.map(({ id }) => this.#host.delete(id)));
    const statuses = known.map(async ({ serverId }) => [serverId, await this.status(serverId)] as const);
    return new Map(await Promise.all(statuses));
  }

  async start(request: MachineRequest, signal: AbortSignal): Promise<Machine> {
    const known = this.#machines.find(request.serverId);
    const machine =
      known !== undefined && this.#host.find(known.instanceId) !== undefined
        ? known
        : await this.#make(request, signal);
    signal.throwIfAborted();
    await this.#host.start(machine.instanceId);
    return { address: machine.address };
  }

  async delete(serverId: string): Promise<void> {
    const machine = this.#machines.find(serverId);
    if (machine === undefined) return;
    await this.#host.delete(machine.instanceId);
    this.#machines.remove(serverId);
  }

  async reboot(serverId: string, type: 'SOFT' | 'HARD'): Promise<void> {
    const id = this.#instanceOf(serverId);
    if (type === 'SOFT') {
      await this.#host.reboot(id);
      return;
    }
    await this.#host.kill(id);
    await this.#host.start(id);
  }

  async stop(serverId: string): Promise<void> {
    await this.#host.stop(this.#instanceOf(serverId));
  }

  async powerOn(serverId: string): Promise<void> {
    await this.#host.start(this.#instanceOf(serverId));
  }

  async status(serverId: string): Promise<MachineStatus> {
    const machine = this.#machines.find(serverId);
    if (machine === undefined || this.#host.find(machine.instanceId) === undefined) return 'missing';
    return (await this.#host.status(machine.instanceId)) === 'ACTIVE' ? 'running' : 'stopped';
  }

  async console(serverId: string): Promise<string> {
    return await this.#host.console(this.#instanceOf(serverId));
  }

  async snapshot(serverId: string, imageId: string): Promise<SavedImage> {
    await this.#host.snapshot(this.#instanceOf(serverId), imageId);
    return { sizeBytes: NOMINAL_SIZE_BYTES };
  }

  async deleteImage(imageId: string): Promise<void> {
    await this.#host.deleteImage(imageId);
  }

  async attachAddress({ serverId, address }: FloatingAddress): Promise<void> {
    const machine = this.#machines.find(serverId);
    if (machine === undefined) return;
    await this.#forwarder.open({ from: address, to: machine.address, port: this.#host.port });
  }

  async detachAddress(address: string): Promise<void> {
    await this.#forwarder.close(address);
  }

  /** Ends forwarding and lets go of the state. Instances run on. */
  async close(): Promise<void> {
    await this.#forwarder.closeAll();
    this.#journal.close();
  }

  async #make(request: MachineRequest, signal: AbortSignal): Promise<MachineRecord> {
    const { userData, upload } = request;
    if (upload !== undefined) await this.#import(request.imageRef, upload, signal);
    const instance = await this.#host.create({
      image: request.imageRef,
      name: hostNameOf(request.name),
      authorizedKeys: request.publicKeys,
      ...(userData === undefined ? {} : { userData: Buffer.from(userData, 'base64').toString('utf8') }),
    });
    return this.#machines.put({ id: request.serverId, instanceId: instance.id, address: instance.address });
  }

  /** Glance takes any data; what is wrong with them shows at a boot (Nova: ImageUnacceptable). */
  async #import(imageId: string, upload: ImageUpload, signal: AbortSignal): Promise<void> {
    if (this.#host.findImage(imageId) !== undefined) return;
    const { file, diskFormat: format, digest } = upload;
    try {
      await this.#host.importDisk(imageId, { file, format, digest }, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DiskFullError || error instanceof UnfitMachineError) throw error;
      throw new Error(`Image ${imageId} is unacceptable: ${describeError(error)}`, { cause: error });
    }
  }

  #instanceOf(serverId: string): string {
    const machine = this.#machines.find(serverId);
    if (machine === undefined) throw new Error(`Cannot find the machine of server "${serverId}"`);
    return machine.instanceId;
  }
}

/** A server may have any name, a host may not (Nova: sanitize_hostname). */
function hostNameOf(name: string): string {
  const clean = name
    .replaceAll(/[^A-Za-z0-9.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 63);
  return clean === '' ? 'server' : clean;
}
