import { spawn } from 'node:child_process';
import type { Clock } from '../runtime/clock.ts';
import { withDeadline } from '../runtime/clock.ts';
import type { ServerUser } from './server-user.ts';

export type Program = {
  readonly path: string;
  readonly args: readonly string[];
  /** Absent: as ourselves. */
  readonly user?: ServerUser | undefined;
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** In a process group of its own: a signal to ours (Ctrl-C) does not reach it. */
  readonly detached?: boolean;
  readonly deadlineMs: number;
};

export type Outcome = {
  /** Undefined: ended by a signal. */
  readonly code: number | undefined;
  /** What it printed, on both streams; the last 64 KiB. */
  readonly output: string;
};

const MAX_OUTPUT = 65_536;

/**
 * Runs a program to its end. Messages are in English, whatever the locale.
 * @throws it cannot be started
 * @throws {DeadlineExceededError} it ran for too long, and was killed
 */
export async function runProgram(
  program: Program,
  deps: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<Outcome> {
  const { path, args, user, cwd, env, detached = false } = program;
  const child = spawn(path, args, {
    ...{ ...user, cwd, detached, env: { ...inherited(), ...env, LC_ALL: 'C' } },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-MAX_OUTPUT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code: code ?? undefined, output });
    });
  });
  try {
    return await withDeadline({ what: `${path} to end`, ms: program.deadlineMs }, { ...deps, signal }, () => ended);
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }
}

/** The database outlives us and needs no cloud's password: what it is not known to need it does not get. */
function inherited(): Readonly<Record<string, string>> {
  const needed = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LD_LIBRARY_PATH', 'TMPDIR', 'TZ'];
  const given = needed.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(given.filter((pair): pair is [string, string] => pair[1] !== undefined));
}
