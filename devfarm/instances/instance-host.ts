import { rmdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import PQueue from 'p-queue';
import type { Logger } from '../../src/runtime/logger.ts';
import { requireLoopbackNetwork } from './address-range.ts';
import { adoptInstances } from './adopt-instances.ts';
import { type BaseImageOptions, ensureBaseTar } from './base-image.ts';
import { bootInstance } from './boot-instance.ts';
import { readTail, trimConsole } from './console-log.ts';
import { type DiskImage, unpackDisk } from './disk-image.ts';
import { detectHostMode, type HostMode } from './host-mode.ts';
import { exportTar, extractTar } from './image-tar.ts';
import { type Image, ImageStore } from './image-store.ts';
import { findInstanceProcess, hasBooted, signalInstance, waitUntilGone } from './instance-process.ts';
import { type Instance, InstanceStore, type NewInstance } from './instance-store.ts';
import { KeyedTurns } from './keyed-turns.ts';
import { claimFolder } from './owner-claim.ts';
import { requireFreePort } from './port-listeners.ts';
import { copyUpper } from './snapshot-layer.ts';
import { waitForBanner } from './ssh-banner.ts';
import { StateFolder } from './state-folder.ts';

export type InstanceHostOptions = {
  /** Where everything lives; not on an overlay file system. */
  readonly stateDir: string;
  /** First two numbers of the instances' addresses. Default `127.77`. */
  readonly network?: string;
  /** Port of the instances' sshd. Default: 22 where we may bind it, else 2222. */
  readonly port?: number;
  /** Boots under way at once; more wait. Default: twice the processors. */
  readonly maxParallelBoots?: number;
  /** Most layers of an image: more make look-ups slower, and mount(2) takes 4096 bytes of options. Default 32. */
  readonly maxLayers?: number;
  readonly baseImage?: BaseImageOptions;
};

/** Nova's words: has not had an init yet, runs, has ended. */
export type InstanceStatus = 'BUILD' | 'ACTIVE' | 'SHUTOFF';

const STOP_GRACE_MS = 6000;
const KILL_DEADLINE_MS = 10_000;

/**
 * Machines without a cloud: root file systems with an sshd of their own on a loopback address. Instances outlive this
 * process; the next one to open the state folder has them again.
 */
export class InstanceHost implements AsyncDisposable {
  readonly mode: HostMode;
  /** Of the instances' sshd. */
  readonly port: number;
  readonly stateDir: string;
  /** First two numbers of the instances' addresses. */
  readonly network: string;
  readonly #folder: StateFolder;
  readonly #options: InstanceHostOptions;
  readonly #images: ImageStore;
  readonly #instances: InstanceStore;
  readonly #turns = new KeyedTurns();
  readonly #boots: PQueue;
  readonly #release: () => Promise<void>;

  private constructor(
    folder: StateFolder,
    deps: { options: InstanceHostOptions; log: Logger; release: () => Promise<void> },
  ) {
    this.mode = folder.mode;
    this.port = deps.options.port ?? folder.mode.defaultPort;
    this.stateDir = folder.path;
    this.network = deps.options.network ?? '127.77';
    this.#folder = folder;
    this.#options = deps.options;
    this.#release = deps.release;
    this.#boots = new PQueue({ concurrency: deps.options.maxParallelBoots ?? 2 * cpus().length });
    this.#images = new ImageStore(folder, {
      log: deps.log,
      maxLayers: deps.options.maxLayers ?? 32,
      alsoUsed: () => this.#instances.layersInUse(),
    });
    this.#instances = new InstanceStore(folder, {
      network: this.network,
      port: this.port,
      getImage: (name) => this.#images.get(name),
    });
  }

  /**
   * Opens the state folder, making it where needed, and adopts what an earlier process left there: what runs is found
   * again, what stood still is woken, what was half made is removed.
   * @throws {UnfitMachineError} no instances on this machine, for this user, or in this folder
   * @throws {FolderInUseError} a living process works in the folder
   */
  static async open(options: InstanceHostOptions, deps: { readonly log: Logger }): Promise<InstanceHost> {
    requireLoopbackNetwork(options.network ?? '127.77');
    const folder = new StateFolder(options.stateDir, await detectHostMode());
    const release = await claimFolder(folder.path);
    try {
      await folder.prepare();
      const host = new InstanceHost(folder, { options, log: deps.log, release });
      await host.#images.load();
      await host.#instances.load();
      await adoptInstances(host.#instances, { folder, log: deps.log });
      await host.#images.collect();
      return host;
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Makes a base image, from the cache where it is there. A few hundred milliseconds, or half a minute. */
  async buildRootfs(name: string, signal?: AbortSignal): Promise<Image> {
    const tar = await ensureBaseTar(this.#options.baseImage ?? {}, this.mode, signal);
    return await this.importImage(name, tar, signal);
  }

  /** Makes an image from the tar of a root file system, compressed or not. It must have /usr/sbin/sshd. */
  async importImage(name: string, tar: string, signal?: AbortSignal): Promise<Image> {
    const make = async (tree: string): Promise<void> => {
      await extractTar({ tar, tree, signal }, this.#folder);
    };
    return await this.#images.add({ name, source: tar, below: [], make });
  }

  /**
   * Makes an image of a disk, unless there is one of that name. The same data are unpacked once, also for many at a time.
   * @throws {UnfitMachineError} it is no tar, and we are not root
   * @throws {Error} it holds no root file system with an sshd
   */
  async importDisk(name: string, disk: DiskImage, signal?: AbortSignal): Promise<Image> {
    const source = `${disk.format} ${disk.digest}`;
    const make = async (tree: string, part: string): Promise<void> => {
      await unpackDisk({ disk, tree, part, signal }, this.#folder);
    };
    return await this.#turns.run(source, async () => {
      signal?.throwIfAborted();
      const known = this.#images.find(name) ?? (await this.#images.share(name, source));
      return known ?? (await this.#images.add({ name, source, below: [], make }));
    });
  }

  /** Writes the whole root file system of an image as a tar; the file appears when it is complete. */
  async exportImage(name: string, tar: string, signal?: AbortSignal): Promise<void> {
    await exportTar({ image: this.#images.get(name), tar, signal }, this.#images);
  }

  listImages(): readonly Image[] {
    return this.#images.list();
  }

  findImage(name: string): Image | undefined {
    return this.#images.find(name);
  }

  /** Instances made from it live on. No image, no work. */
  async deleteImage(name: string): Promise<void> {
    await this.#images.delete(name);
  }

  list(): readonly Instance[] {
    return this.#instances.list();
  }

  find(id: string): Instance | undefined {
    return this.#instances.find(id);
  }

  /** Makes an instance; it is not started. @throws {DiskFullError} and nothing is left of it */
  async create(order: NewInstance): Promise<Instance> {
    return await this.#instances.add(order);
  }

  /** Boots the instance; returns when its init runs, some 0.2 s before ssh answers. Running already: no work. */
  async start(id: string): Promise<void> {
    await this.#turns.run(id, async () => {
      const instance = this.#instances.get(id);
      const folder = this.#instances.pathOf(id);
      if ((await findInstanceProcess(folder)) !== undefined) return;
      await requireFreePort(instance.port);
      await trimConsole(folder);
      await this.#boots.add(async () => {
        await bootInstance(instance, { folder, mode: this.mode });
      });
    });
  }

  /** Shuts the instance down as its own poweroff would; kills it after 6 s. */
  async stop(id: string): Promise<void> {
    await this.#turns.run(id, async () => {
      if (!(await this.#end(id, { signal: 'SIGTERM', ms: STOP_GRACE_MS }))) await this.#kill(id);
    });
  }

  /** Pulls the plug: ends all inside at once, without notice. */
  async kill(id: string): Promise<void> {
    await this.#turns.run(id, async () => {
      await this.#kill(id);
    });
  }

  /** Asks the instance to reboot: its init stops the rest and begins again. @throws {Error} it is not running */
  async reboot(id: string): Promise<void> {
    await this.#turns.run(id, async () => {
      this.#instances.get(id);
      if (await signalInstance(this.#instances.pathOf(id), 'SIGUSR1')) return;
      throw new Error(`Cannot reboot instance "${id}": it is not running`);
    });
  }

  /** Ends the instance and removes all it had. No instance, no work. */
  async delete(id: string): Promise<void> {
    await this.#turns.run(id, async () => {
      if (this.#instances.find(id) === undefined) return;
      await this.#kill(id);
      await this.#instances.remove(id);
      await this.#images.collect();
    });
  }

  /** Makes an image of what the instance's disk holds at one moment; it stands still meanwhile (some 0.1 s). */
  async snapshot(id: string, imageName: string, signal?: AbortSignal): Promise<Image> {
    return await this.#turns.run(id, async () => {
      const { layers } = this.#instances.get(id);
      const make = async (tree: string): Promise<void> => {
        await copyUpper({ instance: this.#instances.pathOf(id), tree, signal }, this.#folder);
      };
      return await this.#images.add({ name: imageName, source: id, below: layers, make });
    });
  }

  /** @throws {Error} there is no such instance */
  async status(id: string): Promise<InstanceStatus> {
    this.#instances.get(id);
    const folder = this.#instances.pathOf(id);
    if ((await findInstanceProcess(folder)) !== undefined) return 'ACTIVE';
    return (await hasBooted(folder)) ? 'SHUTOFF' : 'BUILD';
  }

  /** What the instance wrote to its console: the last `lines`, else the last 256 KiB. */
  async console(id: string, lines?: number): Promise<string> {
    this.#instances.get(id);
    return await readTail(this.#instances.pathOf(id), lines);
  }

  /** Pid of the instance's init on the host; undefined while it does not run. */
  async findPid(id: string): Promise<number | undefined> {
    return (await findInstanceProcess(this.#instances.pathOf(id)))?.init.pid;
  }

  /** Waits until the instance's sshd shows its banner. @throws {DeadlineExceededError} */
  async waitForSsh(id: string, deadlineMs = 30_000): Promise<void> {
    await waitForBanner(this.#instances.get(id), deadlineMs);
  }

  /** Lets go of the state folder. Instances run on. */
  async close(): Promise<void> {
    await this.#boots.onIdle();
    await this.#release();
  }

  /** Ends and removes everything, the state folder too, and closes. Nothing is left but the cache of base images. */
  async destroyAll(): Promise<void> {
    await Promise.all(
      this.list().map(async ({ id }) => {
        await this.delete(id);
      }),
    );
    for (const { name } of this.listImages()) await this.deleteImage(name);
    await this.#folder.empty();
    await this.close();
    await rmdir(this.stateDir).catch(() => undefined); // a mount point, not ours to remove, or claimed already
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #kill(id: string): Promise<void> {
    if (await this.#end(id, { signal: 'SIGKILL', ms: KILL_DEADLINE_MS })) return;
    throw new Error(`Cannot kill instance "${id}": its init does not die`);
  }

  /** True when nothing of it runs any more; false if it did not end in time. */
  async #end(id: string, how: { signal: NodeJS.Signals; ms: number }): Promise<boolean> {
    this.#instances.get(id);
    const folder = this.#instances.pathOf(id);
    const running = await findInstanceProcess(folder);
    if (running === undefined) return true;
    await signalInstance(folder, how.signal);
    return await waitUntilGone(running, how.ms);
  }
}
