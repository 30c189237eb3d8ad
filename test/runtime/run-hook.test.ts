import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/runtime/clock.ts';
import { runHook } from '../../src/runtime/run-hook.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { until } from '../peers/until.ts';

const SLOW = { timeout: 60_000 }; // real programs are started

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'np-hook-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A hook that is this shell script; it finds its folder in `$DIR`. */
function hookOf(script: string): Parameters<typeof runHook>[0] {
  const program = join(folder, 'a hook; with "odd" words');
  writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { program, environment: { DIR: folder, PATH: '/usr/bin:/bin', FACT: 'a; "b" $c' }, timeoutMs: 60_000 };
}

function read(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

test('a hook gets its facts as they are, no arguments, nothing to read and no other variable', SLOW, async () => {
  const hook = hookOf('env >"$DIR/env"; echo "$# $(cat | wc -c) $PWD" >"$DIR/said"');

  await runHook(hook, { clock: systemClock }, neverAborted);

  const own = read('env')
    .split('\n')
    .filter((line) => !/^(PWD|OLDPWD|SHLVL|_)=|^$/.test(line));
  expect(own.sort()).toEqual([`DIR=${folder}`, 'FACT=a; "b" $c', 'PATH=/usr/bin:/bin']);
  expect(read('said')).toBe('0 0 /\n');
});

test('one that fails is an error with its status and its last words, on one line', SLOW, async () => {
  const hook = hookOf('echo first; printf "\\033[1mno such pager\\n" >&2; exit 3');

  await expect(runHook(hook, { clock: systemClock }, neverAborted)).rejects.toThrow(
    /^".*a hook; with "odd" words" ended with status 3: first \| {2}\[1mno such pager$/,
  );
});

test('one that is not there, or may not be run, is an error that names it', SLOW, async () => {
  const missing = { ...hookOf(''), program: join(folder, 'nowhere') };
  const plain = { ...missing, program: folder };

  await expect(runHook(missing, { clock: systemClock }, neverAborted)).rejects.toThrow(/^Cannot run ".*nowhere"/);
  await expect(runHook(plain, { clock: systemClock }, neverAborted)).rejects.toThrow(/^Cannot run "/);
});

test('one that takes too long is killed with all that it started', SLOW, async () => {
  const clock = new FakeClock();
  const running = runHook(hookOf('sleep 1000 & echo "$$ $!" >"$DIR/pids"; wait'), { clock }, neverAborted);
  const end = expect(running).rejects.toThrow(/^Timeout waiting for ".*" [(]60 s[)]$/);
  await until('it runs', () => Promise.resolve(existsSync(join(folder, 'pids')) && read('pids') !== ''), 30_000);

  await clock.advance(60_000);

  await end;
  const pids = read('pids').trim().split(' ');
  await until('both are gone', () => Promise.resolve(pids.every((pid) => !isAlive(pid))), 30_000);
});

test('one that leaves something behind which holds its output is over when it ends', SLOW, async () => {
  await runHook(hookOf('sleep 2 & echo done >"$DIR/said"'), { clock: systemClock }, neverAborted);

  expect(read('said')).toBe('done\n');
});

/** A killed process may be there as a zombie that nobody waits for. */
function isAlive(pid: string): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/[)] Z /.test(readFileSync(path, 'utf8'));
}
