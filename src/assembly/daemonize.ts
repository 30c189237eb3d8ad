import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';

const WAIT_FOR_OTHER_MS = 10_000;
const POLL_MS = 250;
const SETTLE_MS = 1_000;

/**
 * Starts this program again in the background and writes its process id. A pid file of a dead process is replaced; a
 * living one is waited for.
 * @throws {Error} another daemon holds the pid file, or the new one ended at once
 */
export async function daemonize(pidfile: string): Promise<void> {
  await waitForOther(pidfile);
  await mkdir(dirname(pidfile), { recursive: true });
  const [node, ...script] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(node, [...script, '--foreground'], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2000)));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await writeFile(pidfile, `${child.pid ?? ''}\n`);
  const status = await Promise.race([ended, systemClock.sleep(SETTLE_MS).then(() => undefined)]);
  if (status !== undefined) {
    await unlink(pidfile);
    throw new Error(
      complaint.trim() === '' ? `the daemon ended at once with status ${status ?? 'unknown'}` : complaint.trim(),
    );
  }
  child.stderr.destroy();
  child.unref();
}

async function waitForOther(pidfile: string): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + WAIT_FOR_OTHER_MS;
  for (let pid = await livingPid(pidfile); pid !== undefined; pid = await livingPid(pidfile)) {
    if (systemClock.monotonicMs() > deadlineMs) throw new Error(`process ${pid} of "${pidfile}" is still running`);
    await systemClock.sleep(POLL_MS);
  }
}

async function livingPid(pidfile: string): Promise<number | undefined> {
  if (!existsSync(pidfile)) return undefined;
  const pid = Number((await readFile(pidfile, 'utf8')).trim());
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return describeError(error).includes('EPERM') ? pid : undefined;
  }
}
