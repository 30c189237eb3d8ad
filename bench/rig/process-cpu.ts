import { readFileSync } from 'node:fs';

/** The kernel's ticks in these files: USER_HZ, the same on all machines. */
const TICK_MS = 10;

/** CPU time that a process has used since its start, all its threads'. */
export function cpuMsOf(pid: number): number {
  // The second field is the program's name, which may hold blanks and brackets.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*[)] /, '')
    .split(' ');
  const [user, system] = [fields[11], fields[12]];
  return (Number(user) + Number(system)) * TICK_MS;
}
