import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const FILE = 'owner';

/** Notes in the folder that it is this process's. */
export async function writeOwner(folder: string): Promise<void> {
  await writeFile(join(folder, FILE), await identityOf(process.pid));
}

/** Whether the process that made the folder still lives: another builder on this host may work in the same place. */
export async function isOwnedByLiving(folder: string): Promise<boolean> {
  const noted = await readFile(join(folder, FILE), 'utf8').catch(() => ''); // ended before it had written it
  const pid = Number(/^\d{1,10}/.exec(noted)?.[0] ?? 0);
  return pid > 0 && (await identityOf(pid)) === noted;
}

/** A process id alone is used again: its start and the boot make it one process. */
async function identityOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''); // there is no such process
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const start = fields[18];
  return start === undefined || state === 'Z' ? 'none' : `${pid} ${start} ${boot}`;
}
