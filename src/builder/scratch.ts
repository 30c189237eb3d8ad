import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolders } from '../runtime/make-folders.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { type LeftoverDeps, removeScratch, scratchName } from './leftovers.ts';
import { writeOwner } from './scratch-owner.ts';

const VHD_UTIL = fileURLToPath(new URL('./vhd-util', import.meta.url));

export type ScratchPlace = {
  readonly dibImageId: number;
  readonly imagesDir: string;
  /** Where temporary files go; the same folder, mostly. */
  readonly tempDir: string;
};

/** The folders of one try of one build: all that it makes is in them. Disposing removes all, whatever holds it. */
export class Scratch implements AsyncDisposable {
  /** Where the files appear: on the file system of the images, so that they can be renamed. */
  readonly outputs: string;
  readonly temp: string;
  /** Goes to the front of the build's PATH. */
  readonly programs: string;
  readonly #roots: readonly string[];
  readonly #deps: LeftoverDeps;

  private constructor(roots: { readonly images: string; readonly temp: string }, deps: LeftoverDeps) {
    this.outputs = join(roots.images, 'out');
    this.programs = join(roots.images, 'bin');
    this.temp = join(roots.temp, 'tmp');
    this.#roots = [...new Set([roots.images, roots.temp])];
    this.#deps = deps;
  }

  /** @throws the system's error: a folder cannot be made */
  static async make(place: ScratchPlace, deps: LeftoverDeps & { readonly randomness: Randomness }): Promise<Scratch> {
    const name = scratchName(place.dibImageId, deps.randomness.hex(4));
    const roots = { images: join(place.imagesDir, name), temp: join(place.tempDir, name) };
    const scratch = new Scratch(roots, deps);
    try {
      for (const root of scratch.#roots) {
        makeFolders(root, 0o755);
        await writeOwner(root);
      }
      for (const folder of [scratch.outputs, scratch.programs, scratch.temp]) await mkdir(folder);
      return scratch;
    } catch (error) {
      await scratch[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Puts our stand-in for `vhd-util` among the programs of the build. */
  async addVhdUtil(): Promise<void> {
    const path = join(this.programs, 'vhd-util');
    await copyFile(VHD_UTIL, path);
    await chmod(path, 0o755);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const root of this.#roots) await removeScratch(root, this.#deps);
  }
}
