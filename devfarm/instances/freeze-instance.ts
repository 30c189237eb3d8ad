import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findInstanceProcess } from './instance-process.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { listPidsInside, sendSignal } from './process-table.ts';

/**
 * Stops everything inside until a second look finds nobody new: what lies on disk is then one moment of the instance.
 * The mark comes first, so that a crash in between cannot leave an instance that never wakes.
 */
export async function freezeInstance(folder: string, init: ProcessIdentity): Promise<void> {
  await writeFile(join(folder, 'frozen'), '');
  let seen = '';
  for (let look = 0; look < 100; look += 1) {
    const pids = listPidsInside(init);
    if (pids.join() === seen) return;
    seen = pids.join();
    for (const pid of pids) sendSignal(pid, 'SIGSTOP');
  }
  throw new Error('Cannot freeze the instance: it makes processes faster than they can be stopped');
}

/** Wakes what `freezeInstance` stopped. Safe to repeat. */
export async function thawInstance(folder: string): Promise<void> {
  const running = await findInstanceProcess(folder);
  if (running !== undefined) for (const pid of listPidsInside(running.init)) sendSignal(pid, 'SIGCONT');
  await rm(join(folder, 'frozen'), { force: true });
}
