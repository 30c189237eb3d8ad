import { readFile } from 'node:fs/promises';

/** Names one process for ever: a pid alone may come again, a pid with its start time and the machine's boot may not. */
export type ProcessIdentity = {
  readonly pid: number;
  /** Clock ticks from the machine's boot to the start of the process (field 22 of proc_pid_stat(5)). */
  readonly startTime: string;
  readonly bootId: string;
};

/** Who has this pid now. Undefined: nobody, or a zombie that only waits to be reaped. */
export async function findProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined); // no such process
  if (stat === undefined) return undefined;
  // The command's name may hold blanks and brackets, so the fields are counted after its last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTime = fields[19];
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, startTime, bootId: await bootId() };
}

/** Whether this very process still runs. */
export async function isRunning(process: ProcessIdentity): Promise<boolean> {
  const now = await findProcess(process.pid);
  return now?.startTime === process.startTime && now.bootId === process.bootId;
}

/** `pid starttime bootid`, as it stands in files. */
export function formatIdentity(process: ProcessIdentity): string {
  return `${process.pid} ${process.startTime} ${process.bootId}`;
}

/** Undefined for a line that is no identity, e.g. of a file cut short by a full disk. */
export function parseIdentity(line: string): ProcessIdentity | undefined {
  const match = /^([1-9][0-9]*) ([0-9]+) ([0-9a-f-]{36})$/.exec(line.trim());
  const [, pid, startTime, boot] = match ?? [];
  if (pid === undefined || startTime === undefined || boot === undefined) return undefined;
  return { pid: Number(pid), startTime, bootId: boot };
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
