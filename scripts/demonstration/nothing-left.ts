import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Throws if a process, a mount or a file of the farm in that folder is left. */
export function assertNothingLeft(root: string): void {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((pid) => commandLine(pid).includes(root));
  if (processes.length > 0) throw new Error(`Processes are left: ${processes.map(describeProcess).join(', ')}`);
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(root));
  if (mounts.length > 0) throw new Error(`Mounts are left: ${mounts.join(', ')}`);
  if (existsSync(root)) throw new Error(`The folder ${root} is left`);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it ended this moment
  }
}

function describeProcess(pid: string): string {
  return `${pid} (${commandLine(pid).slice(0, 80).trim()})`;
}
