import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- vitest is extended by declaration merging
  interface ProvidedContext extends BuiltPrograms {}
}

export interface BuiltPrograms {
  /** Folder of `nodepoold`, `nodepool` and `devfarm`, built from the sources as they were when the run began. */
  readonly programs: string;
}

/** Vitest global setup: builds the programs for this run, beside `dist/`, from which somebody may be running them. */
export async function setup(project: TestProject): Promise<void> {
  const cache = resolve('node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'programs-'));
  // Not a teardown: vitest runs none when it is interrupted during setup.
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  await chmod(folder, 0o755); // a test runs them as another user
  await cp('bin', join(folder, 'bin'), { recursive: true }); // they run ../dist
  await promisify(execFile)(process.execPath, ['scripts/build.js', join(folder, 'dist')]);
  project.provide('programs', join(folder, 'bin'));
}
