import { readFileSync, writeFileSync } from 'node:fs';

/** In MiB, as the kernel counts it (`VmRSS`, `VmHWM`). */
export type ProcessMemory = { readonly nowMib: number; readonly mostMib: number };

/** What a process has resident now, and the most since `forgetMost`. */
export function memoryOf(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (field: string): number => {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
    if (match === null) throw new Error(`Process ${pid} has no ${field}`);
    return Number(match[1]) / 1024;
  };
  return { nowMib: mib('VmRSS'), mostMib: mib('VmHWM') };
}

/** Has the kernel begin anew with the most. */
export function forgetMost(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
