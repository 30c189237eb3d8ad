import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const RIGS = ['cloud-process', 'glance-process', 'jenkins-process'] as const;

/** The programs as `npm run build` makes them, and the farm's own, in a folder that is removed when disposed. */
export class CrashPrograms implements Disposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async build(): Promise<CrashPrograms> {
    const cache = resolve('node_modules/.cache'); // from there they find the packages
    mkdirSync(cache, { recursive: true });
    const programs = new CrashPrograms(mkdtempSync(join(cache, 'crash-programs-')));
    try {
      await promisify(execFile)(process.execPath, ['scripts/build.js', join(programs.#folder, 'dist')]);
      await build({
        entryPoints: RIGS.map((name) => join('crash', 'rig', `${name}.ts`)),
        outdir: join(programs.#folder, 'dist'),
        outExtension: { '.js': '.mjs' },
        ...{ bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external', keepNames: true },
      });
      return programs;
    } catch (error) {
      programs[Symbol.dispose]();
      throw error;
    }
  }

  /** The words that start the daemon. */
  get daemon(): readonly string[] {
    return this.#program('nodepoold');
  }

  /** The words that start the image builder. */
  get builder(): readonly string[] {
    return this.#program('nodepool-builder');
  }

  /** The words that start a part of the farm. */
  rig(name: (typeof RIGS)[number]): readonly string[] {
    return [process.execPath, join(this.#folder, 'dist', `${name}.mjs`)];
  }

  #program(name: string): readonly string[] {
    return [process.execPath, '--enable-source-maps', join(this.#folder, 'dist', `${name}.js`)];
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
