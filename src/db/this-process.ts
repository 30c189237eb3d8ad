import { readFileSync, readlinkSync } from 'node:fs';
import { codeOf } from './classify-database-failure.ts';

/** Where a process id has a meaning: this boot of this machine, and this process namespace. Undefined: not to be told. */
export function processPlace(): string | undefined {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined; // no /proc: death is then told by the database's clock alone
  }
}

/** Whether no process of this place has that id. */
export function isProcessGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}
