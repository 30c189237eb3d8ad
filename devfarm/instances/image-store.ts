import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import type { StateFolder } from './state-folder.ts';

const ImageFile = z.object({
  name: z.string(),
  /** Names of layer folders, top first. */
  layers: z.array(z.string()).readonly(),
  /** Where it came from: an instance's id, a tar, or the digest of a disk. */
  source: z.string(),
  /** ISO 8601, UTC. */
  createdAt: z.string(),
});
export type Image = Readonly<z.output<typeof ImageFile>>;

export type NewImage = {
  readonly name: string;
  readonly source: string;
  /** Layers below the new one, top first. */
  readonly below: readonly string[];
  /** Makes the new layer, a folder at `tree`, which does not exist yet; `part` is the folder around it, for scratch. */
  readonly make: (tree: string, part: string) => Promise<void>;
};

export type ImageStoreDeps = {
  readonly log: Logger;
  /** Most layers of an image; one more and it is flattened. */
  readonly maxLayers: number;
  /** Layers that instances need, though their image may be gone. */
  readonly alsoUsed: () => Iterable<string>;
};

export class ImageStore {
  readonly #folder: StateFolder;
  readonly #deps: ImageStoreDeps;
  readonly #images = new Map<string, Image>();

  constructor(folder: StateFolder, deps: ImageStoreDeps) {
    this.#folder = folder;
    this.#deps = deps;
  }

  /** Reads what an earlier process left. */
  async load(): Promise<void> {
    for (const name of await readdir(this.#folder.images)) {
      const file = join(this.#folder.images, name);
      const image = name.startsWith('.') ? undefined : await readImage(file);
      if (image !== undefined) this.#images.set(image.name, image);
      else await rm(file, { force: true }); // never finished: a half-written file, or one cut short by a power cut
    }
  }

  list(): readonly Image[] {
    return [...this.#images.values()];
  }

  find(name: string): Image | undefined {
    return this.#images.get(name);
  }

  /** @throws {Error} there is no such image */
  get(name: string): Image {
    const image = this.#images.get(name);
    if (image === undefined) throw new Error(`Cannot find image "${name}"`);
    return image;
  }

  /** Adds an image; one of the same name is replaced. Nothing is left of it where `make` fails. */
  async add(image: NewImage): Promise<Image> {
    requireImageName(image.name);
    const layer = `l-${systemRandomness.hex(4)}`;
    const part = join(this.#folder.layers, `.${layer}.part`);
    try {
      await this.#folder.runAsOwner({ argv: ['mkdir', part], purpose: 'create a layer', timeoutMs: 10_000 });
      await image.make(join(part, 'tree'), part);
      const flat = image.below.length >= this.#deps.maxLayers;
      if (flat) await this.#flatten(part, image.below);
      const layers = flat ? [layer] : [layer, ...image.below];
      return await this.#name({ part, layer, tree: flat ? 'flat' : 'tree' }, { ...image, layers });
    } catch (error) {
      await this.collect(); // named, but the image could not be written
      throw error;
    } finally {
      await this.#folder.remove(part);
    }
  }

  /** Adds an image with the layers of another one from the same source. Undefined: there is none. */
  async share(name: string, source: string): Promise<Image | undefined> {
    requireImageName(name);
    return await this.#folder.exclusively(async () => {
      const same = this.list().find((image) => image.source === source);
      return same === undefined ? undefined : await this.#write({ ...same, name });
    });
  }

  /** Removes the image; layers that living instances need stay. No image, no work. */
  async delete(name: string): Promise<void> {
    await this.#folder.exclusively(async () => {
      await rm(join(this.#folder.images, name), { force: true });
      this.#images.delete(name);
    });
    await this.collect();
  }

  /** Removes layers that neither an image nor an instance names. */
  async collect(): Promise<void> {
    const gone = await this.#folder.exclusively(async () => {
      const used = new Set([...this.list().flatMap((image) => image.layers), ...this.#deps.alsoUsed()]);
      const unused = (await readdir(this.#folder.layers)).filter((name) => !name.startsWith('.') && !used.has(name));
      for (const layer of unused) await rename(this.#path(layer), this.#path(`.${layer}.gone`));
      return unused.map((layer) => this.#path(`.${layer}.gone`));
    });
    await this.#folder.remove(...gone);
  }

  /** Runs a command that sees the sum of `layers`, read-only, as `$1`. Further arguments begin at `$2`. */
  async runOnSum(layers: readonly string[], command: SumCommand): Promise<void> {
    const scratch = join(this.#folder.layers, `.sum-${systemRandomness.hex(4)}.part`);
    const { overlayOptions, kind } = this.#folder.mode;
    // Two lower folders are the least where there is no upper one. Features of uppers are no matter here.
    const lower = [...layers, `${basename(scratch)}/empty`].join(':');
    const options = `lowerdir=${lower}${kind === 'root' ? '' : `,${overlayOptions}`}`;
    try {
      await this.#folder.runWithMounts({
        argv: ['sh', '-ec', `${MOUNT_SUM}\n${command.script}`, '-', scratch, options, ...command.args],
        cwd: this.#folder.layers, // relative names keep the options short
        purpose: command.purpose,
        timeoutMs: 600_000,
        signal: command.signal,
      });
    } finally {
      await this.#folder.remove(scratch);
    }
  }

  /** The layer is named and its image written in one turn, or a parallel clean-up would take the layer for garbage. */
  async #name(made: { part: string; layer: string; tree: string }, image: Omit<Image, 'createdAt'>): Promise<Image> {
    const { replaced, named } = await this.#folder.exclusively(async () => {
      // As owner: the layer's top folder may belong to a mapped uid, or forbid writing.
      const argv = ['mv', '-T', join(made.part, made.tree), this.#path(made.layer)];
      await this.#folder.runAsOwner({ argv, purpose: 'name a layer', timeoutMs: 10_000 });
      return { replaced: this.#images.has(image.name), named: await this.#write(image) };
    });
    if (replaced) await this.collect();
    return named;
  }

  /** To be called when it is its turn. */
  async #write({ name, layers, source }: Omit<Image, 'createdAt'>): Promise<Image> {
    const image: Image = { name, layers, source, createdAt: systemClock.now().toISOString() };
    await this.#folder.writeWhole(join(this.#folder.images, name), `${JSON.stringify(image)}\n`);
    this.#images.set(name, image);
    this.#deps.log.info(`Image "${name}" is there`, { layers: layers.length, source });
    return image;
  }

  /** One layer with the sum of all, so that chains of snapshots stay short. */
  async #flatten(part: string, below: readonly string[]): Promise<void> {
    const layers = [`${basename(part)}/tree`, ...below];
    const script = 'cp -a --reflink=auto "$1" "$2"';
    await this.runOnSum(layers, { script, args: [join(part, 'flat')], purpose: 'flatten an image' });
  }

  #path(layer: string): string {
    return join(this.#folder.layers, layer);
  }
}

export type SumCommand = {
  /** For sh(1). */
  readonly script: string;
  readonly args: readonly string[];
  readonly purpose: string;
  readonly signal?: AbortSignal | undefined;
};

const MOUNT_SUM = `
mkdir "$1" "$1/empty" "$1/sum"
mount -t overlay overlay -o "$2" "$1/sum"
sum=$1/sum
shift 2
set -- "$sum" "$@"
`;

/** @throws {Error} `name` cannot be an image's */
export function requireImageName(name: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)) throw new Error(`Cannot name an image "${name}"`);
}

async function readImage(file: string): Promise<Image | undefined> {
  try {
    return ImageFile.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined; // cut short: never finished
  }
}
