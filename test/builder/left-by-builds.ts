import { readdirSync, readFileSync } from 'node:fs';

/** Processes that were started for builds below that folder. */
export function processesOf(folder: string): readonly string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => new RegExp(`${folder}/.*[.]build-`).test(contentOf(`/proc/${pid}/environ`)));
}

/** Loop devices with a file below that folder. */
export function loopDevicesOf(folder: string): readonly string[] {
  const devices = readdirSync('/sys/block').filter((name) => name.startsWith('loop'));
  return devices.filter((device) => contentOf(`/sys/block/${device}/loop/backing_file`).includes(folder));
}

/** Empty where there is none. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
