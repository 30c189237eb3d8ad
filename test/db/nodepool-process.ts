import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { ServerUser } from '../../src/db/server-user.ts';

/** A program of our own modules, to be killed by tests. */
export interface TestProgram extends AsyncDisposable {
  /** Starts it in a process group of its own, as `user` or as ourselves. */
  start(args: readonly string[], user?: ServerUser): ChildProcessWithoutNullStreams;
}

/** Bundles `source`, whose imports begin at the repository's root. */
export async function makeTestProgram(source: string): Promise<TestProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'np-program-'));
  await chmod(folder, 0o755);
  const root = new URL('../../', import.meta.url).pathname;
  const options = { bundle: true, platform: 'node', format: 'esm', target: 'node20', write: false } as const;
  // What CommonJS packages in the bundle call.
  const banner = {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  };
  const stdin = { contents: source, resolveDir: root, loader: 'ts' } as const;
  const result = await build({ ...options, stdin, banner, external: ['pg-native'], logLevel: 'silent' });
  const file = join(folder, 'program.mjs');
  await writeFile(file, result.outputFiles[0]?.text ?? '');
  return {
    start: (args, user) => spawn(process.execPath, [file, ...args], { detached: true, cwd: '/', ...user }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

/** The first thing that it prints. */
export async function firstOutput(child: ChildProcessWithoutNullStreams): Promise<string> {
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const ended = once(child, 'close').then(() => Promise.reject(new Error(`Ended without a word: ${complaint}`)));
  const [chunk] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer];
  ended.catch(() => undefined); // it may end now
  return chunk.toString();
}
