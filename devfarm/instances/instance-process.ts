import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/runtime/clock.ts';
import { isRunning, parseIdentity, type ProcessIdentity } from './process-identity.ts';
import { sendSignal } from './process-table.ts';

const POLL_MS = 8;

/** The two processes of the host that an instance lives and dies with. */
export type InstanceProcess = {
  /** PID 1 inside. */
  readonly init: ProcessIdentity;
  /** unshare(1), init's parent; undefined if it could not be read. */
  readonly launcher: ProcessIdentity | undefined;
};

/** What the instance's folder says runs, if it still does and is the very process that booted. */
export async function findInstanceProcess(folder: string): Promise<InstanceProcess | undefined> {
  const recorded = await readFile(join(folder, 'init'), 'utf8').catch(() => ''); // not booted yet
  const [init, launcher] = recorded.split('\n').map(parseIdentity);
  return init !== undefined && (await isRunning(init)) ? { init, launcher } : undefined;
}

/** Whether it ever had an init. */
export async function hasBooted(folder: string): Promise<boolean> {
  return await access(join(folder, 'init')).then(
    () => true,
    () => false,
  );
}

/** Sends `signal` to init; false if there is none. */
export async function signalInstance(folder: string, signal: NodeJS.Signals): Promise<boolean> {
  const running = await findInstanceProcess(folder);
  return running !== undefined && sendSignal(running.init.pid, signal);
}

/** Waits until init and its launcher are gone, and with them namespaces and mounts. False: not within `ms`. */
export async function waitUntilGone(running: InstanceProcess, ms: number): Promise<boolean> {
  const deadline = systemClock.monotonicMs() + ms;
  const processes = [running.init, ...(running.launcher === undefined ? [] : [running.launcher])];
  while ((await Promise.all(processes.map(isRunning))).includes(true)) {
    if (systemClock.monotonicMs() > deadline) return false;
    await systemClock.sleep(POLL_MS);
  }
  return true;
}
