import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

/** A program of our own modules, to be killed by tests. */
export interface TestProgram extends AsyncDisposable {
  /** Starts it in a process group of its own. */
  start(...args: readonly string[]): ChildProcessWithoutNullStreams;
}

/** Bundles `source`, whose imports begin at the repository's root. */
export async function makeTestProgram(source: string): Promise<TestProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'np-program-'));
  const root = new URL('../../', import.meta.url).pathname;
  const options = { bundle: true, platform: 'node', format: 'esm', target: 'node20', write: false } as const;
  // What CommonJS packages in the bundle call.
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  const stdin = { contents: source, resolveDir: root, loader: 'ts' } as const;
  const result = await build({ ...options, stdin, banner, external: ['pg-native'], logLevel: 'silent' });
  const file = join(folder, 'program.mjs');
  await writeFile(file, result.outputFiles[0]?.text ?? '');
  return {
    start: (...args) => spawn(process.execPath, [file, ...args], { detached: true }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
