import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { systemClock } from '../../src/runtime/clock.ts';
import { asError } from '../../src/runtime/errors.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { addressAt, nextAddress } from './address-range.ts';
import type { Image } from './image-store.ts';
import { listListeners } from './port-listeners.ts';
import { asDiskFull } from './run-program.ts';
import type { StateFolder } from './state-folder.ts';

const InstanceFile = z.object({
  id: z.string(),
  name: z.string(),
  /** A loopback address of its own. */
  address: z.string(),
  port: z.int(),
  image: z.string(),
  layers: z.array(z.string()).readonly(),
  /** ISO 8601, UTC. */
  createdAt: z.string(),
});
export type Instance = Readonly<z.output<typeof InstanceFile>>;

export type NewInstance = {
  readonly image: string;
  /** Host name: letters, digits, hyphens, dots; at most 63. */
  readonly name: string;
  /** Lines for authorized_keys of root, and of user `debian` where the image has one. */
  readonly authorizedKeys: readonly string[];
  /** Run once, at the first boot, if it begins with `#!`. */
  readonly userData?: string;
};

type InstanceStoreDeps = {
  readonly network: string;
  readonly port: number;
  /** @throws {Error} there is no such image */
  readonly getImage: (name: string) => Image;
};

export class InstanceStore {
  readonly #folder: StateFolder;
  readonly #deps: InstanceStoreDeps;
  readonly #instances = new Map<string, Instance>();

  constructor(folder: StateFolder, deps: InstanceStoreDeps) {
    this.#folder = folder;
    this.#deps = deps;
  }

  /** Reads what an earlier process left. */
  async load(): Promise<void> {
    for (const id of await readdir(this.#folder.instances)) {
      if (id.startsWith('.')) continue;
      const instance = await readInstance(join(this.pathOf(id), 'record.json'));
      if (instance?.id === id) this.#instances.set(id, instance);
      else await rename(this.pathOf(id), this.#gonePath(id)); // not ours, or cut short by a power cut
    }
  }

  list(): readonly Instance[] {
    return [...this.#instances.values()];
  }

  find(id: string): Instance | undefined {
    return this.#instances.get(id);
  }

  /** @throws {Error} there is no such instance */
  get(id: string): Instance {
    const instance = this.#instances.get(id);
    if (instance === undefined) throw new Error(`Cannot find instance "${id}"`);
    return instance;
  }

  pathOf(id: string): string {
    return join(this.#folder.instances, id);
  }

  *layersInUse(): Generator<string> {
    for (const instance of this.#instances.values()) yield* instance.layers;
  }

  /** Makes the instance's folder. It appears whole, with record and address, or not at all. */
  async add(order: NewInstance): Promise<Instance> {
    requireSafe(order);
    this.#deps.getImage(order.image); // before any work
    const id = `i-${systemRandomness.hex(4)}`;
    const part = join(this.#folder.instances, `.${id}.part`);
    try {
      await this.#prepare(part, order);
      return await this.#folder.exclusively(async () => {
        const instance = await this.#describe(id, order);
        await writeFile(join(part, 'record.json'), `${JSON.stringify(instance)}\n`);
        await writeFile(join(part, 'seed', 'metadata'), metadataOf(instance));
        await rename(part, this.pathOf(id));
        this.#instances.set(id, instance);
        return instance;
      });
    } catch (error) {
      await this.#folder.remove(part);
      throw asDiskFull(asError(error));
    }
  }

  /** Frees name, address and layers at once; then removes the files, which may take its time. */
  async remove(id: string): Promise<void> {
    await this.#folder.exclusively(async () => {
      await rename(this.pathOf(id), this.#gonePath(id));
      this.#instances.delete(id);
    });
    await this.#folder.remove(this.#gonePath(id));
  }

  async #prepare(part: string, order: NewInstance): Promise<void> {
    const folders = ['upper', 'work', 'merged'].map((name) => join(part, name));
    await mkdir(join(part, 'seed'), { recursive: true });
    await Promise.all(
      folders.map(async (folder) => {
        await mkdir(folder, { mode: 0o755 });
      }),
    );
    const keys = order.authorizedKeys.map((key) => `${key.trim()}\n`).join('');
    await writeFile(join(part, 'seed', 'authorized_keys'), keys);
    if (order.userData !== undefined) await writeFile(join(part, 'seed', 'user-data'), order.userData);
  }

  async #describe(id: string, order: NewInstance): Promise<Instance> {
    const { port } = this.#deps;
    return {
      id,
      name: order.name,
      address: await this.#takeAddress(),
      port,
      image: order.image,
      layers: this.#deps.getImage(order.image).layers,
      createdAt: systemClock.now().toISOString(),
    };
  }

  async #takeAddress(): Promise<string> {
    const { network, port } = this.#deps;
    const file = join(this.#folder.path, 'last-address');
    const last = Number(await readFile(file, 'utf8').catch(() => '0')); // the very first
    const listening = (await listListeners(port)).map((listener) => listener.address);
    const taken = new Set([...this.list().map((instance) => instance.address), ...listening]);
    const n = nextAddress(network, Number.isSafeInteger(last) ? last : 0, taken);
    await this.#folder.writeWhole(file, `${n}\n`);
    return addressAt(network, n);
  }

  #gonePath(id: string): string {
    return join(this.#folder.instances, `.${id}.gone`);
  }
}

/** What becomes part of shell text or of a line: refused unless it is harmless there. */
function requireSafe(order: NewInstance): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/.test(order.name)) {
    throw new Error(`Cannot name an instance "${order.name}": use letters, digits, hyphens and dots`);
  }
  for (const key of order.authorizedKeys) {
    if (/[\r\n]/.test(key.trim())) throw new Error('Cannot inject a key that has more than one line');
  }
}

function metadataOf(instance: Instance): string {
  const { id, name, address, port } = instance;
  return `DEVFARM_ID=${id}\nDEVFARM_NAME=${name}\nDEVFARM_ADDRESS=${address}\nDEVFARM_PORT=${port}\n`;
}

async function readInstance(file: string): Promise<Instance | undefined> {
  try {
    return InstanceFile.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined; // no record, or cut short
  }
}
