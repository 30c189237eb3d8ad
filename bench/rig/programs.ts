import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

/** The programs as `npm run build` makes them, and some of the bench's own, in a folder that is removed when disposed. */
export class Programs implements Disposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param rigs names of programs in `bench/rig/`, built without what builds them */
  static async build(rigs: readonly string[], signal: AbortSignal): Promise<Programs> {
    const cache = resolve('node_modules/.cache'); // from there they find the packages
    mkdirSync(cache, { recursive: true });
    const programs = new Programs(mkdtempSync(join(cache, 'bench-programs-')));
    try {
      await promisify(execFile)(process.execPath, ['scripts/build.js', join(programs.#folder, 'dist')], { signal });
      await build({
        entryPoints: rigs.map((name) => join('bench', 'rig', `${name}.ts`)),
        outdir: join(programs.#folder, 'rig'),
        bundle: true,
        platform: 'node',
        target: 'node20',
        format: 'esm',
        packages: 'external',
        keepNames: true,
        outExtension: { '.js': '.mjs' },
      });
      return programs;
    } catch (error) {
      programs[Symbol.dispose]();
      throw error;
    }
  }

  /** Path of a program that operators start. */
  pathOf(name: 'nodepool' | 'nodepoold' | 'nodepool-builder'): string {
    return join(this.#folder, 'dist', `${name}.js`);
  }

  rigPathOf(name: string): string {
    return join(this.#folder, 'rig', `${name}.mjs`);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
