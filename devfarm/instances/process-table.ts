import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ProcessIdentity } from './process-identity.ts';

/** Sends a signal; false if there is no such process any more. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // ended meanwhile
  }
}

export type LauncherOnHost = {
  readonly pid: number;
  /** The instance's folder. */
  readonly folder: string;
};

/** The launchers (unshare at work on stage 1) of the instance in `path`, or of all below it. */
export function listLaunchersBelow(path: string): readonly LauncherOnHost[] {
  return listPids().flatMap((pid) => {
    const words = readCommandLine(pid);
    const stage1 = words.findIndex((word) => word.endsWith('/instance-boot.sh'));
    const folder = words[stage1 + 1];
    if (words[0] !== 'unshare' || stage1 < 0 || folder === undefined) return [];
    return folder === path || folder.startsWith(path.endsWith('/') ? path : `${path}/`) ? [{ pid, folder }] : [];
  });
}

function readCommandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // ended meanwhile
  }
}

/** All processes of the instance, by their pids on the host. Not async: while it is stopped, every moment counts. */
export function listPidsInside(init: ProcessIdentity): readonly number[] {
  const namespace = pidNamespaceOf(init.pid);
  return namespace === undefined ? [] : listPids().filter((pid) => pidNamespaceOf(pid) === namespace);
}

function pidNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined; // ended, or another user's
  }
}

function listPids(): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^[1-9][0-9]*$/.test(entry))
    .map(Number);
}
