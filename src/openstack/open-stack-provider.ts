import type { ProviderConfig } from '../config/config.ts';
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
} from '../provider/cloud-provider.ts';
import type { ImageUpload, UploadWatch } from '../provider/image-upload.ts';
import { chooseAddresses } from './addresses.ts';
import type { ApiCaller } from './api-caller.ts';
import type { Flavors } from './flavors.ts';
import type { FloatingIps } from './floating-ips.ts';
import type { HttpConnections } from './http-connections.ts';
import { createSnapshot, deleteImage, findImage, listImages } from './images.ts';
import { createKeypair, deleteKeypair, listKeypairs } from './keypairs.ts';
import { readLimits } from './limits.ts';
import type { Networks } from './networks.ts';
import { deletePort, listPorts } from './ports.ts';
import type { ServerLists } from './server-list.ts';
import { createServer, deleteServer, findServer, readConsole } from './servers.ts';
import type { UploadDeps } from './upload.ts';
import { uploadImage } from './upload-image.ts';

export type ProviderParts = {
  readonly config: ProviderConfig;
  readonly api: ApiCaller;
  readonly http: HttpConnections;
  readonly flavors: Flavors;
  readonly networks: Networks;
  readonly floatingIps: FloatingIps;
  readonly lists: ServerLists;
  readonly uploads: UploadDeps & { readonly http: HttpConnections };
  /** Aborted by `close`. */
  readonly closing: AbortController;
};

/**
 * One region of one OpenStack cloud. Each method is a file of this room.
 */
export class OpenStackProvider implements CloudProvider {
  readonly name: string;
  readonly #parts: ProviderParts;

  constructor(parts: ProviderParts) {
    this.name = parts.config.name;
    this.#parts = parts;
  }

  async createServer(spec: ServerSpec, signal: AbortSignal): Promise<CreatedServer> {
    try {
      return await createServer(spec, this.#parts, signal);
    } finally {
      this.#parts.lists.expectChange(); // after a lost answer too: somebody will look for the server
    }
  }

  async findServer(id: string, signal: AbortSignal): Promise<Server | undefined> {
    return await findServer(id, this.#parts.api, signal);
  }

  async listServers(signal: AbortSignal): Promise<readonly Server[]> {
    return await this.#parts.lists.now(signal);
  }

  async nextServerList(signal: AbortSignal): Promise<readonly Server[]> {
    return await this.#parts.lists.next(signal);
  }

  async deleteServer(id: string, signal: AbortSignal): Promise<void> {
    await deleteServer(id, this.#parts.api, signal);
    this.#parts.lists.expectChange();
  }

  addressesOf(server: Server): ReachableAddresses {
    const { cloud, ipv6Preferred } = this.#parts.config;
    return chooseAddresses(server, { networks: cloud.networks, private: cloud.private, ipv6Preferred });
  }

  async makeReachable(server: Server, claim: FloatingClaim, signal: AbortSignal): Promise<ReachableAddresses> {
    return await this.#parts.floatingIps.makeReachable(server, claim, signal);
  }

  async releaseFloatingIps(trace: FloatingTrace, signal: AbortSignal): Promise<void> {
    await this.#parts.floatingIps.release(trace, signal);
  }

  async listFloatingIps(signal: AbortSignal): Promise<readonly FloatingIp[]> {
    return await this.#parts.floatingIps.list(signal);
  }

  async deleteFloatingIp(
    floating: Pick<FloatingIp, 'id' | 'revision'>,
    signal: AbortSignal,
  ): Promise<'gone' | 'changed'> {
    return await this.#parts.floatingIps.remove(floating, signal);
  }

  async readConsole(id: string, lines: number, signal: AbortSignal): Promise<string> {
    return await readConsole({ id, lines }, this.#parts.api, signal);
  }

  async createKeypair(name: string, publicKey: string, signal: AbortSignal): Promise<void> {
    await createKeypair({ name, publicKey }, this.#parts.api, signal);
  }

  async deleteKeypair(name: string, signal: AbortSignal): Promise<void> {
    await deleteKeypair(name, this.#parts.api, signal);
  }

  async listKeypairs(signal: AbortSignal): Promise<readonly string[]> {
    return await listKeypairs(this.#parts.api, signal);
  }

  async findImage(nameOrId: string, signal: AbortSignal): Promise<CloudImage | undefined> {
    return await findImage(nameOrId, this.#parts.api, signal);
  }

  async listImages(signal: AbortSignal): Promise<readonly CloudImage[]> {
    return await listImages(this.#parts.api, signal);
  }

  // eslint-disable-next-line max-params -- the interface has four
  async createSnapshot(
    serverId: string,
    name: string,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<string> {
    return await createSnapshot({ serverId, name, metadata }, this.#parts.api, signal);
  }

  async uploadImage(upload: ImageUpload, watch: UploadWatch, signal: AbortSignal): Promise<CloudImage> {
    return await uploadImage({ upload, watch }, this.#parts.uploads, signal);
  }

  async deleteImage(id: string, signal: AbortSignal): Promise<void> {
    await deleteImage(id, this.#parts.api, signal);
  }

  async listPorts(signal: AbortSignal): Promise<readonly Port[]> {
    return await listPorts(this.#parts.api, signal);
  }

  async deletePort(id: string, signal: AbortSignal): Promise<void> {
    await deletePort(id, this.#parts.api, signal);
  }

  async readLimits(signal: AbortSignal): Promise<Limits> {
    return await readLimits(this.#parts.api, signal);
  }

  async sizeOf(spec: Pick<ServerSpec, 'minRamMib' | 'flavorNameFilter'>, signal: AbortSignal): Promise<ServerSize> {
    const { cores, ramMib } = await this.#parts.flavors.find(spec.minRamMib, spec.flavorNameFilter, signal);
    return { cores, ramMib };
  }

  async close(): Promise<void> {
    this.#parts.closing.abort(new Error(`Provider "${this.name}" is closed`));
    await Promise.all([this.#parts.http.close(), this.#parts.uploads.http.close()]);
  }
}
