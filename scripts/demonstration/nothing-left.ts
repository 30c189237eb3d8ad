import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Throws if a process, a mount, a loop device or a file of the farm in that folder is left. */
export function assertNothingLeft(root: string): void {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((pid) => commandLine(pid).includes(root));
  if (processes.length > 0) throw new Error(`Processes are left: ${processes.map(describeProcess).join(', ')}`);
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(root));
  if (mounts.length > 0) throw new Error(`Mounts are left: ${mounts.join(', ')}`);
  const loops = readdirSync('/sys/block').filter((name) => backingFile(name).includes(root));
  if (loops.length > 0) throw new Error(`Loop devices are left: ${loops.join(', ')}`);
  if (existsSync(root)) throw new Error(`The folder ${root} is left`);
}

function commandLine(pid: string): string {
  return contentOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
}

function backingFile(device: string): string {
  return contentOf(`/sys/block/${device}/loop/backing_file`);
}

/** Empty where it is gone this moment, or never was. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function describeProcess(pid: string): string {
  return `${pid} (${commandLine(pid).slice(0, 80).trim()})`;
}
