import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { awaitFreePidFile, claimPidFile, removePidFile, writePidFile } from '../../src/assembly/pid-file.ts';
import { FakeClock } from '../fakes/fake-clock.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'np-pid-'));
  path = join(folder, 'run', 'nodepool.pid');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('the file is written with its folder, as one line', async () => {
  await writePidFile(path, 4711);

  expect(readFileSync(path, 'utf8')).toBe('4711\n');
});

test('a file that names a dead process is as good as none', async () => {
  const dead = spawn('true');
  await once(dead, 'close');
  await writePidFile(path, dead.pid ?? 0);

  await expect(awaitFreePidFile(path, new FakeClock())).resolves.toBeUndefined();
});

test.each([
  ['is absent', undefined],
  ['is empty', ''],
  ['holds no number', 'nodepool\n'],
  ['names init', '1\n'],
  ['names a number that no process can have', '99999999999\n'],
])('a file that %s holds up nobody', async (_what, text) => {
  await writePidFile(path, 1);
  rmSync(path);
  if (text !== undefined) writeFileSync(path, text);

  await expect(awaitFreePidFile(path, new FakeClock())).resolves.toBeUndefined();
});

test('a living process is waited for, ten seconds long', async () => {
  await writePidFile(path, process.pid);
  const clock = new FakeClock();
  const wait = awaitFreePidFile(path, clock);
  wait.catch(() => undefined); // awaited below

  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 250) {
    await clock.untilSleeping();
    await clock.advance(250);
  }

  await expect(wait).rejects.toThrow(`Process ${process.pid} of "${path}" is still running`);
});

test('a daemon that ends within that time makes way', async () => {
  await writePidFile(path, process.pid);
  const clock = new FakeClock();
  const wait = awaitFreePidFile(path, clock);
  await clock.untilSleeping();

  await removePidFile(path, process.pid);
  await clock.advance(250);

  await expect(wait).resolves.toBeUndefined();
});

test('only the process that a file names removes it', async () => {
  await writePidFile(path, 4711);

  await removePidFile(path, 4712);
  expect(existsSync(path)).toBe(true);
  await removePidFile(path, 4711);
  expect(existsSync(path)).toBe(false);
  await removePidFile(path, 4711);
});

test('of two that claim it at once one has it, and the other waits for that one', async () => {
  const dead = spawn('true');
  await once(dead, 'close');
  await writePidFile(path, dead.pid ?? 0); // both find it free
  const clock = new FakeClock();
  const claims = [process.pid, process.ppid].map(async (pid) => {
    await claimPidFile(path, pid, clock);
    return pid;
  });

  const winner = await Promise.race(claims);
  await clock.untilSleeping();
  const inFile = readFileSync(path, 'utf8');
  await removePidFile(path, winner);
  await clock.advance(250);

  expect(inFile).toBe(`${winner}\n`);
  expect(await Promise.all(claims)).toEqual([process.pid, process.ppid]);
  expect(readFileSync(path, 'utf8')).not.toBe(inFile);
});

test('one that cannot be written is told with the reason in words, and with the option that names it', async () => {
  await expect(claimPidFile('/proc/none/nodepool.pid', process.pid, new FakeClock())).rejects.toThrow(
    'Cannot write the pid file "/proc/none/nodepool.pid": there is no such file; look at the option "-p"',
  );
});
