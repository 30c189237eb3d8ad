import { readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { takeFileLock } from '../db/file-lock.ts';
import type { Clock } from '../runtime/clock.ts';
import { plainReason } from '../runtime/plain-reason.ts';
import { makeFolders } from '../runtime/make-folders.ts';

const WAIT_FOR_OTHER_MS = 10_000;
const POLL_MS = 250;
/** Monitoring and init scripts of other accounts read it. */
const PID_MODE = 0o644;

/**
 * Waits until no living process holds the pid file. One that names a dead process is as good as none.
 * @throws {Error} it is still held after 10 s (upstream)
 */
export async function awaitFreePidFile(path: string, clock: Clock): Promise<void> {
  const deadlineMs = clock.monotonicMs() + WAIT_FOR_OTHER_MS;
  for (let pid = await livingPid(path); pid !== undefined; pid = await livingPid(path)) {
    if (clock.monotonicMs() >= deadlineMs) throw new Error(`Process ${pid} of "${path}" is still running`);
    await clock.sleep(POLL_MS);
  }
}

/**
 * Waits until no living process holds the pid file, and writes this one's id. Of two that come at once, one waits for the
 * other: look and write are under a lock on the folder.
 * @throws {Error} it is still held after 10 s (upstream), or cannot be written
 */
export async function claimPidFile(path: string, pid: number, clock: Clock): Promise<void> {
  try {
    await claim(path, pid, clock);
  } catch (error) {
    const reason = plainReason(error);
    if (reason === undefined) throw error;
    throw new Error(`Cannot write the pid file "${path}": ${reason}; look at the option "-p"`, { cause: error });
  }
}

async function claim(path: string, pid: number, clock: Clock): Promise<void> {
  const folder = dirname(path);
  makeFolders(folder);
  const never = new AbortController().signal;
  for (;;) {
    await awaitFreePidFile(path, clock);
    await using _lock = await takeFileLock({ path: folder, deadlineMs: WAIT_FOR_OTHER_MS }, { clock }, never);
    if ((await livingPid(path)) !== undefined) continue; // another one was faster
    await writePidFile(path, pid);
    return;
  }
}

/**
 * Writes the file, and its folder where there is none: all of it or nothing, so that nobody reads it half written. Whoever
 * could change it would choose what is killed.
 */
export async function writePidFile(path: string, pid: number): Promise<void> {
  makeFolders(dirname(path));
  const whole = `${path}.${process.pid}`;
  await rm(whole, { force: true }); // left by a dead process of our number
  await writeFile(whole, `${pid}\n`, { mode: PID_MODE, flag: 'wx' });
  await rename(whole, path);
}

/** Removes the pid file if it names that process. Safe to call where there is none. */
export async function removePidFile(path: string, pid: number): Promise<void> {
  if ((await readPid(path)) === pid) await unlink(path).catch(() => undefined); // somebody else was faster
}

async function livingPid(path: string): Promise<number | undefined> {
  const pid = await readPid(path);
  return pid !== undefined && isAlive(pid) ? pid : undefined;
}

async function readPid(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => ''); // absent or unreadable: writing it will say so
  const pid = /^\s*\d{1,10}\s*$/.test(text) ? Number(text) : 0;
  return pid > 1 ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // alive, and somebody else's
  }
}
