import { spawn } from 'node:child_process';
import { copyFile, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/runtime/clock.ts';
import { readTail } from './console-log.ts';
import type { HostMode } from './host-mode.ts';
import { findInstanceProcess } from './instance-process.ts';
import type { Instance } from './instance-store.ts';
import { listLaunchersBelow, sendSignal } from './process-table.ts';

/** Beside this file, or beside the bundle that holds it. */
const STAGE_1 = fileURLToPath(new URL('instance-boot.sh', import.meta.url));
const STAGE_2 = fileURLToPath(new URL('instance-init.sh', import.meta.url));

const BOOT_DEADLINE_MS = 20_000;
const POLL_MS = 8;

/**
 * Starts the instance's init; returns when it can be found by `findInstanceProcess`. It outlives us.
 * @throws {Error} stage 1 failed; the message has the console's last line
 */
export async function bootInstance(instance: Instance, deps: { folder: string; mode: HostMode }): Promise<void> {
  const { folder, mode } = deps;
  await rm(join(folder, 'frozen'), { force: true });
  await copyFile(STAGE_2, join(folder, 'seed', 'init'));
  const namespaces = [...mode.userNamespace, '--mount', '--pid', '--fork', '--uts', '--ipc'];
  // --kill-child: the death of unshare is the death of init, which is the death of all inside.
  const argv = [...namespaces, '--kill-child', '--', 'bash', STAGE_1, folder, instance.layers.join(':')];
  const launcher = await spawnDetached(['unshare', ...argv, mode.overlayOptions, instance.name, mode.kind], folder);
  await waitForInit(instance, { folder, launcher });
}

async function spawnDetached(argv: readonly string[], folder: string): Promise<Launcher> {
  const [file = 'unshare', ...args] = argv;
  const log = await open(join(folder, 'console.log'), 'a'); // append: the log may be cut while it is written
  try {
    const child = spawn(file, args, {
      detached: true, // a session of its own: it survives us
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' }, // PID 1 shows its environment to all inside
      stdio: ['ignore', log.fd, log.fd],
    });
    const launcher: Launcher = { ended: undefined };
    child.once('error', (error) => {
      launcher.ended = error.message;
    });
    child.once('exit', () => {
      launcher.ended ??= '';
    });
    child.unref();
    return launcher;
  } finally {
    await log.close();
  }
}

/** `ended`: undefined while it runs, then why it ended (may be empty). */
type Launcher = { ended: string | undefined };

async function waitForInit(instance: Instance, deps: { folder: string; launcher: Launcher }): Promise<void> {
  const deadline = systemClock.monotonicMs() + BOOT_DEADLINE_MS;
  while ((await findInstanceProcess(deps.folder)) === undefined) {
    if (deps.launcher.ended !== undefined) {
      const reason = (await readTail(deps.folder, 1)).trim() || deps.launcher.ended || 'it ended at once';
      throw new Error(`Cannot boot instance "${instance.id}": ${reason}`);
    }
    if (systemClock.monotonicMs() > deadline) {
      for (const { pid } of listLaunchersBelow(deps.folder)) sendSignal(pid, 'SIGKILL');
      throw new Error(`Cannot boot instance "${instance.id}": no init after ${BOOT_DEADLINE_MS / 1000} s`);
    }
    await systemClock.sleep(POLL_MS);
  }
}
