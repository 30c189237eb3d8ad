import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../scripts/check');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'np-check-'));
  mkdirSync(join(folder, 'checks'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What stands for `npm run --silent NAME`: a script each; where there is none, the check passes. */
function stub(name: string, script: string): void {
  writeFileSync(join(folder, 'checks', name), script);
}

async function runChecks(): Promise<{ readonly exitCode: number | undefined; readonly lines: readonly string[] }> {
  const npm = join(folder, 'npm');
  writeFileSync(npm, `#!/bin/sh\nscript=${folder}/checks/$3\n[ ! -e "$script" ] || exec sh "$script"\n`);
  chmodSync(npm, 0o755);
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  const { exitCode, stdout } = await execa(SCRIPT, { env, reject: false });
  return { exitCode, lines: stdout.split('\n') };
}

test('ends with the line of the tests and 0 when all is well', async () => {
  stub('test', 'echo; echo "12 passed, 0 failed"');

  const { exitCode, lines } = await runChecks();

  expect([exitCode, lines.at(-1)]).toEqual([0, '12 passed, 0 failed']);
});

test('ends with 1 when a test fails, and with the line that counts it', async () => {
  stub('test', 'echo "11 passed, 1 failed"; exit 1');

  const { exitCode, lines } = await runChecks();

  expect([exitCode, lines.at(-1)]).toEqual([1, '11 passed, 1 failed']);
});

test('shows each other check that fails, and counts it', async () => {
  stub('test', 'echo "11 passed, 1 failed"; exit 1');
  stub('types', 'echo "a.ts(1,1): error TS1: wrong"; exit 2');
  stub('layers', 'echo "a cycle"; exit 1');

  const { exitCode, lines } = await runChecks();

  expect([exitCode, lines.at(-1)]).toEqual([1, '11 passed, 3 failed']);
  expect(lines).toEqual(
    expect.arrayContaining(['--- npm run types failed:', 'a.ts(1,1): error TS1: wrong', 'a cycle']),
  );
});

test('tells by its status that the tests did not come to their end, and counts that as a failure beside others', async () => {
  stub('test', 'echo "out of memory"; exit 134');
  expect((await runChecks()).exitCode).toBe(134);

  stub('lint', 'exit 1');
  const { exitCode, lines } = await runChecks();

  expect([exitCode, lines.at(-1)]).toEqual([1, '0 passed, 2 failed']);
});
