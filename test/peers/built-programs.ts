import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export type StartOptions = {
  readonly cwd?: string;
  /** Laid over our own environment; undefined takes a variable away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
};

/** How a process ended. */
export type Ending = { readonly status: number | null; readonly signal: NodeJS.Signals | null };

/** A process of one of our programs, with what it said. Disposing kills it. */
export class RunningProgram implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  stdout = '';
  stderr = '';
  readonly #watchers = new Set<() => void>();

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.#look();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.#look();
    });
    this.ended = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        resolve({ status, signal });
        this.#look();
      });
    });
  }

  /** Resolves when standard error holds `text`. @throws {Error} the program ends without it */
  async untilSaid(text: string | RegExp): Promise<void> {
    const isSaid = (): boolean => (typeof text === 'string' ? this.stderr.includes(text) : text.test(this.stderr));
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (isSaid()) resolve();
        else if (this.child.exitCode !== null) reject(new Error(`It ended without "${text}":\n${this.stderr}`));
        else return;
        this.#watchers.delete(look);
      };
      this.#watchers.add(look);
      look();
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.ended;
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** Our programs, bundled as `npm run build` does, in a folder of their own. */
export interface BuiltPrograms extends Disposable {
  /** Path of the program made from `src/NAME.ts`. */
  pathOf(name: string): string;
  start(name: string, args: readonly string[], options?: StartOptions): RunningProgram;
  /** Starts it and waits for its end. */
  run(name: string, args: readonly string[], options?: StartOptions): Promise<RunningProgram & Ending>;
}

/** @param sources paths from the repository's root, or of files beside a test */
export async function buildPrograms(sources: readonly string[]): Promise<BuiltPrograms> {
  const cache = join(ROOT, 'node_modules/.cache'); // from there the bundle finds the packages
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'test-programs-'));
  await build({
    entryPoints: sources.map((source) => join(ROOT, source)),
    outdir: folder,
    entryNames: '[name]',
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    splitting: true,
    packages: 'external',
    keepNames: true,
    outExtension: { '.js': '.mjs' }, // no package.json beside it says that it is a module
  });
  const pathOf = (name: string): string => join(folder, `${name}.mjs`);
  const start = (name: string, args: readonly string[], options: StartOptions = {}): RunningProgram => {
    const { cwd = folder, environment = {} } = options;
    const env = Object.fromEntries(Object.entries({ ...process.env, ...environment }));
    return new RunningProgram(spawn(process.execPath, [pathOf(name), ...args], { cwd, env }));
  };
  return {
    pathOf,
    start,
    run: async (name, args, options) => {
      const program = start(name, args, options);
      return Object.assign(program, await program.ended);
    },
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
