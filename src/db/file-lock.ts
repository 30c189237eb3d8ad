import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '../runtime/clock.ts';
import { withDeadline } from '../runtime/clock.ts';
import { asError, DatabaseRefusedError } from '../runtime/errors.ts';
import type { ServerUser } from './server-user.ts';

export type FileLock = {
  readonly path: string;
  /** Whose file it is. Absent: ours. */
  readonly user?: ServerUser | undefined;
  /** Longest wait for another program to give it back. */
  readonly deadlineMs: number;
};

/**
 * Takes a lock that no other process can hold until this one is disposed. It is the kernel's (flock), held by a child
 * that lives as long as its standard input is open: it ends with us, however we end, so a lock is never stale.
 * @throws {DeadlineExceededError} another program holds it for too long
 * @throws {DatabaseRefusedError} the lock cannot be had at all
 */
export async function takeFileLock(
  lock: FileLock,
  deps: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const holder = spawn('flock', ['-x', lock.path, 'sh', '-c', 'echo locked; exec cat'], {
    ...lock.user,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // Ctrl-C must not take the lock away while we still finish
  });
  let complaint = '';
  holder.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  holder.stdin.on('error', () => undefined); // it ended: its exit code tells
  const ended = once(holder, 'close').then(
    () => new DatabaseRefusedError(`Cannot lock "${lock.path}": ${complaint.trim()}`),
    (error: unknown) => refuseWithout(asError(error)),
  );
  const release = async (): Promise<void> => {
    holder.stdin.end();
    await ended;
  };
  try {
    const deadline = { what: `another program to give back the lock "${lock.path}"`, ms: lock.deadlineMs };
    await withDeadline(deadline, { ...deps, signal }, () => Promise.race([once(holder.stdout, 'data'), fail(ended)]));
  } catch (error) {
    endGroup(holder.pid);
    throw error;
  }
  return { [Symbol.asyncDispose]: release };
}

async function fail(ended: Promise<Error>): Promise<never> {
  throw await ended;
}

function refuseWithout(error: Error): DatabaseRefusedError {
  return new DatabaseRefusedError('Cannot run "flock": install the package "util-linux"', { cause: error });
}

/** While it waits, the lock's holder does not read: its group is ended instead. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // it is gone already
  }
}
