import type {
  CloudImage,
  CloudProvider,
  CreatedServer,
  FloatingClaim,
  FloatingIp,
  FloatingTrace,
  Limits,
  Port,
  ReachableAddresses,
  Server,
  ServerSize,
  ServerSpec,
} from '../../src/provider/cloud-provider.ts';
import {
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../../src/provider/errors.ts';
import type { ImageUpload, UploadWatch } from '../../src/provider/image-upload.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { CallFates, untilAborted } from './call-fates.ts';
import { FakeFloatingIps } from './fake-floating-ips.ts';
import { FakeImages } from './fake-images.ts';
import { FakeQuota } from './fake-quota.ts';
import { aPort, aServer, type FakeServerLife, FakeServers, reachableAddressesOf } from './fake-servers.ts';

export { aPort, aServer };

export type FakeCloudOptions = Partial<FakeServerLife> & {
  /** Default `fake-provider`. */
  readonly name?: string;
  /** Ids of servers that are there (ACTIVE, without metadata), or whole servers. */
  readonly servers?: readonly (string | Server)[];
  readonly images?: readonly CloudImage[];
  readonly keypairs?: readonly string[];
  /** Most servers; one more create is a QuotaExceededError. Default: no limit. */
  readonly maxInstances?: number;
  /** Polls that show a snapshot as not active yet. Default 1. */
  readonly snapshotTakesPolls?: number;
  /** With a clock `nextServerList` comes after `pollMs` of it; without one at once. */
  readonly clock?: Clock;
  /** Default 300. */
  readonly pollMs?: number;
};

/** A call of CloudProvider that a test can make fail. */
export type FakeCloudCall = Exclude<keyof CloudProvider, 'name' | 'addressesOf' | 'close'>;

/** A cloud in memory that behaves: servers boot after some polls, deletions take polls, snapshots live, answers get lost. */
export class FakeCloud implements CloudProvider {
  readonly name: string;
  readonly servers: FakeServers;
  readonly images: FakeImages;
  /** Public keys by name. */
  readonly keypairs: Map<string, string>;
  /** Ports that stayed when their server went, by id. */
  readonly leftPorts = new Map<string, Port>();
  /** The names of all calls made, in order. */
  readonly calls: FakeCloudCall[] = [];
  readonly passwords = new Map<string, string>();
  maxInstances: number | undefined;
  readonly quota = new FakeQuota();
  closed = false;
  readonly #options: FakeCloudOptions;
  readonly floating = new FakeFloatingIps();
  readonly #fates = new CallFates<FakeCloudCall>();
  readonly #snapshots = new Map<string, string>();
  #sharedList: Promise<readonly Server[]> | undefined;

  constructor(options: FakeCloudOptions = {}) {
    this.#options = options;
    this.name = options.name ?? 'fake-provider';
    this.maxInstances = options.maxInstances;
    const { bootTakesPolls, deleteTakesPolls, addresses } = options;
    this.servers = new FakeServers(definedOnly({ bootTakesPolls, deleteTakesPolls, addresses }));
    this.images = new FakeImages(options.images ?? [], options.snapshotTakesPolls);
    this.keypairs = new Map((options.keypairs ?? []).map((key) => [key, '']));
    for (const server of options.servers ?? []) {
      this.servers.add(typeof server === 'string' ? aServer(server) : server);
    }
  }

  /** The next call of that name (the next `times`) throws `error` and does nothing. */
  failNext(call: FakeCloudCall, error: Error, times = 1): void {
    for (let n = 0; n < times; n += 1) this.#fates.add(call, { kind: 'fails', error });
  }

  /** The next call of that name is done, and then throws an UnknownOutcomeError. */
  loseNextAnswer(call: FakeCloudCall): void {
    this.#fates.add(call, { kind: 'answer-lost' });
  }

  /** The next call of that name does nothing and ends only when it is aborted. */
  hangNext(call: FakeCloudCall): void {
    this.#fates.add(call, { kind: 'hangs' });
  }

  /** The next server created goes to ERROR instead of ACTIVE. */
  failNextBoot(fault = 'No valid host was found. '): void {
    this.servers.nextFaults.push(fault);
  }

  /** The next snapshot vanishes instead of becoming active. */
  failNextSnapshot(): void {
    this.images.failing += 1;
  }

  async createServer(spec: ServerSpec, signal: AbortSignal): Promise<CreatedServer> {
    return await this.#call('createServer', signal, () => {
      if (this.servers.size >= (this.maxInstances ?? Infinity)) {
        throw new QuotaExceededError(this.name, 'Quota exceeded for instances');
      }
      const id = this.servers.create(spec, this.#options.clock?.now() ?? new Date(0));
      this.passwords.set(id, `password-of-${id}`);
      return { id, adminPassword: new Secret(`password-of-${id}`) };
    });
  }

  async findServer(id: string, signal: AbortSignal): Promise<Server | undefined> {
    return await this.#call('findServer', signal, () => this.#poll(() => this.servers.poll(id)));
  }

  async listServers(signal: AbortSignal): Promise<readonly Server[]> {
    return await this.#call('listServers', signal, () => this.#poll(() => this.servers.pollAll()));
  }

  async nextServerList(signal: AbortSignal): Promise<readonly Server[]> {
    this.calls.push('nextServerList');
    await this.#fates.meet('nextServerList', signal);
    this.#sharedList ??= this.#nextPoll();
    return await untilAborted(this.#sharedList, signal);
  }

  async deleteServer(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('deleteServer', signal, () => {
      this.servers.delete(id);
      this.floating.forgetServer(id);
    });
  }

  addressesOf(server: Server): ReachableAddresses {
    return reachableAddressesOf(server);
  }

  async makeReachable(server: Server, claim: FloatingClaim, signal: AbortSignal): Promise<ReachableAddresses> {
    const { note } = claim;
    await this.floating.reuse(claim);
    const make = (): ReachableAddresses => this.floating.makeReachable(server.id, note, this.addressesOf(server));
    return await this.#call('makeReachable', signal, make);
  }

  async releaseFloatingIps({ note }: FloatingTrace, signal: AbortSignal): Promise<void> {
    await this.#call('releaseFloatingIps', signal, () => {
      this.floating.release(note);
    });
  }

  async listFloatingIps(signal: AbortSignal): Promise<readonly FloatingIp[]> {
    return await this.#call('listFloatingIps', signal, () => this.floating.all);
  }

  async deleteFloatingIp(
    floating: Pick<FloatingIp, 'id' | 'revision'>,
    signal: AbortSignal,
  ): Promise<'gone' | 'changed'> {
    return await this.#call('deleteFloatingIp', signal, () => this.floating.removeIfStill(floating));
  }

  async readConsole(id: string, lines: number, signal: AbortSignal): Promise<string> {
    return await this.#call('readConsole', signal, () => `console of ${id}\n`.repeat(Math.min(lines, 1)));
  }

  async createKeypair(name: string, publicKey: string, signal: AbortSignal): Promise<void> {
    await this.#call('createKeypair', signal, () => {
      if ((this.keypairs.get(name) ?? publicKey) !== publicKey) {
        throw new RequestRefusedError(`Cannot create keypair "${name}": that name holds another key`);
      }
      this.keypairs.set(name, publicKey);
    });
  }

  async deleteKeypair(name: string, signal: AbortSignal): Promise<void> {
    await this.#call('deleteKeypair', signal, () => {
      this.keypairs.delete(name);
    });
  }

  async listKeypairs(signal: AbortSignal): Promise<readonly string[]> {
    return await this.#call('listKeypairs', signal, () => [...this.keypairs.keys()]);
  }

  async findImage(nameOrId: string, signal: AbortSignal): Promise<CloudImage | undefined> {
    return await this.#call('findImage', signal, () => {
      const byId = this.images.poll(nameOrId);
      const byName = this.images.peekAll().filter((image) => image.name === nameOrId && image.status === 'active');
      return byId ?? byName.at(-1);
    });
  }

  async listImages(signal: AbortSignal): Promise<readonly CloudImage[]> {
    return await this.#call('listImages', signal, () => this.images.pollAll());
  }

  // eslint-disable-next-line max-params -- the interface has four
  async createSnapshot(
    serverId: string,
    name: string,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<string> {
    return await this.#call('createSnapshot', signal, () => {
      if (!this.servers.has(serverId)) throw new RequestRefusedError(`Instance ${serverId} could not be found`);
      if (this.servers.taskStateOf(serverId) !== undefined) {
        throw new TransientProviderError(`Cannot snapshot server "${serverId}": it is busy`);
      }
      const imageId = this.images.createSnapshot(name, metadata);
      this.#snapshots.set(serverId, imageId);
      this.servers.setTaskState(serverId, 'image_uploading');
      return imageId;
    });
  }

  /** It fails or hangs in the middle of the data. If its answer is lost, so is the clean-up: the image stays. */
  async uploadImage(upload: ImageUpload, watch: UploadWatch, signal: AbortSignal): Promise<CloudImage> {
    return await this.images.upload(upload, watch, () => this.#call('uploadImage', signal, () => undefined));
  }

  async deleteImage(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('deleteImage', signal, () => {
      this.images.delete(id);
    });
  }

  /** Each server's, as Nova makes them, and those that were left. */
  async listPorts(signal: AbortSignal): Promise<readonly Port[]> {
    return await this.#call('listPorts', signal, () => [
      ...this.servers.peekAll().map(({ id }) => aPort(id, { status: 'ACTIVE' })),
      ...this.leftPorts.values(),
    ]);
  }

  async deletePort(id: string, signal: AbortSignal): Promise<void> {
    await this.#call('deletePort', signal, () => {
      this.leftPorts.delete(id);
    });
  }

  async readLimits(signal: AbortSignal): Promise<Limits> {
    return await this.#call('readLimits', signal, () => this.quota.limits(this.servers.size, this.maxInstances));
  }

  async sizeOf(spec: Pick<ServerSpec, 'minRamMib'>, signal: AbortSignal): Promise<ServerSize> {
    return await this.#call('sizeOf', signal, () => this.quota.sizeOf(spec));
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  async #call<T>(call: FakeCloudCall, signal: AbortSignal, act: () => T): Promise<T> {
    this.calls.push(call);
    const answer = await this.#fates.meet(call, signal);
    const result = act();
    if (answer === 'lost') throw new UnknownOutcomeError(`The answer to ${call} is lost`);
    return result;
  }

  /** As in Nova, a server's task_state clears only at a poll after its snapshot is done. */
  #poll<T>(look: () => T): T {
    const seen = look();
    for (const [serverId, imageId] of this.#snapshots) {
      if (this.images.isPending(imageId)) continue;
      this.#snapshots.delete(serverId);
      this.servers.setTaskState(serverId, undefined);
    }
    return seen;
  }

  async #nextPoll(): Promise<readonly Server[]> {
    await (this.#options.clock?.sleep(this.#options.pollMs ?? 300) ?? Promise.resolve());
    this.#sharedList = undefined;
    return this.#poll(() => this.servers.pollAll());
  }
}
