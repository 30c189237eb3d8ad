import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, onTestFinished, test } from 'vitest';

const TIMEOUT_MS = 30_000;

/** A copy of the built programs, where they still find the packages. */
function aCopy() {
  const folder = mkdtempSync(resolve('node_modules/.cache/bundled-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  cpSync(join(inject('programs'), '../dist'), folder, { recursive: true });
  const chunks = readdirSync(join(folder, 'chunks'));
  const pathOf = (ending: string): string =>
    join(folder, 'chunks', chunks.find((name) => name.startsWith('nodepool-') && name.endsWith(ending)) ?? '');
  return { program: join(folder, 'nodepool.js'), bundle: pathOf('.cjs'), cache: pathOf('.code-cache') };
}

async function run(...words: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, words)).stdout;
}

/** Whether V8 refused the cache of that program; undefined: there was none. */
async function isRefused(bundle: string): Promise<string> {
  const code = `import { loadProgram } from './scripts/bundled-program.js';
    console.log(loadProgram(${JSON.stringify(bundle)}).script.cachedDataRejected)`;
  return (await run('--input-type=module', '-e', code)).trim();
}

test('the code cache that the build makes is taken by the Node that made it', { timeout: TIMEOUT_MS }, async () => {
  expect(await isRefused(aCopy().bundle)).toBe('false');
});

test('without its code cache the program runs as well', { timeout: TIMEOUT_MS }, async () => {
  const { program, bundle, cache } = aCopy();
  const version = await run(program, '--version');

  rmSync(cache);

  expect(await isRefused(bundle)).toBe('undefined');
  expect(await run(program, '--version')).toBe(version);
});

test('a code cache of another Node is not taken, and the program runs as well', { timeout: TIMEOUT_MS }, async () => {
  const { program, bundle, cache } = aCopy();
  const version = await run(program, '--version');

  writeFileSync(cache, 'of another Node, whose caches begin with another number');

  expect(await isRefused(bundle)).toBe('true');
  expect(await run(program, '--version')).toBe(version);
});
