import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '../runtime/clock.ts';
import { asError } from '../runtime/errors.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

export type BoxedProgram = {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Gets what it prints, both streams in their order, and is waited for. What it throws kills the program. */
  readonly onOutput: (chunk: Buffer) => Promise<void>;
};

/**
 * The first process of the box. When it ends, the kernel kills all others: it lets those that still write what the program said
 * come to their end, for five seconds at most.
 */
const FIRST_PROCESS = `
"$@"
status=$? left=50
while [ $left -gt 0 ]; do
  set -- /proc/[0-9]*
  [ $# -gt 1 ] || break
  sleep 0.1
  left=$((left - 1))
done
exit $status
`;

/**
 * The box: all mounts and processes of the program end with its first process, that one ends with us, and ours do not see
 * its mounts. Loop devices are in no namespace: see `removeScratch`.
 */
const BOX = [
  ...['setpriv', '--pdeathsig', 'KILL', '--'],
  ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
  ...['sh', '-c', FIRST_PROCESS, 'sh'],
];

/** Without the box the program at least hears of our end, so that it can tidy up. */
const NO_BOX = ['setpriv', '--pdeathsig', 'TERM', '--'];

/** Without the box: time for the program to tidy up after itself. */
const TIDY_UP_MS = 30_000;
/** A process in the middle of a system call ends after it. */
const DEATH_MS = 30_000;

/** Whether this process may make namespaces. */
export function canBox(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Runs a program to its end, in a box where we may; nothing of it is left when this returns. Gives its exit status;
 * undefined: a signal ended it. An aborted `signal` kills it.
 * @throws the signal's reason, or what `onOutput` threw
 */
export async function runBoxed(
  program: BoxedProgram,
  deps: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<number | undefined> {
  signal.throwIfAborted();
  const isBoxed = canBox();
  // One pipe for both streams: two would lose the order of the lines.
  const argv = ['-c', 'exec "$@" 2>&1', 'sh', ...(isBoxed ? BOX : NO_BOX), ...program.argv];
  const child = spawn('/bin/sh', argv, {
    env: { ...program.env },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true, // Ctrl-C is for us, who then let it end
  });
  const closed = once(child, 'close');
  const parts = [closed, readAll(child.stdout, program.onOutput)] as const;
  const over = Promise.all(parts);
  try {
    await unlessAborted(over, signal);
    return child.exitCode ?? undefined;
  } catch (error) {
    const isAlive = child.exitCode === null && child.signalCode === null;
    if (isAlive && child.pid !== undefined) await kill(child.pid, { isBoxed, ended: Promise.allSettled(parts) }, deps);
    throw asError(error);
  }
}

async function readAll(stdout: AsyncIterable<unknown>, onOutput: BoxedProgram['onOutput']): Promise<void> {
  for await (const chunk of stdout) if (Buffer.isBuffer(chunk)) await onOutput(chunk);
}

async function kill(
  pid: number,
  run: { readonly isBoxed: boolean; readonly ended: Promise<unknown> },
  deps: { readonly clock: Clock },
): Promise<void> {
  const within = async (ms: number): Promise<void> => {
    const done = new AbortController();
    await Promise.race([run.ended, deps.clock.sleep(ms, done.signal).catch(() => undefined)]); // ended before
    done.abort();
  };
  if (!run.isBoxed && signalGroup(pid, 'SIGTERM')) await within(TIDY_UP_MS);
  if (signalGroup(pid, 'SIGKILL')) await within(DEATH_MS);
}

/** False: nothing of it is left. */
function signalGroup(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, name);
  } catch {
    return false;
  }
}
