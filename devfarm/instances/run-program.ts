import { execa } from 'execa';

/** A disk or quota is full. What was begun has been taken back. */
export class DiskFullError extends Error {
  override readonly name = 'DiskFullError';
}

export type Program = {
  readonly argv: readonly string[];
  /** What the program is for, as in "Cannot copy layer": shown in errors. */
  readonly purpose: string;
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Runs a program to its end and returns what it printed. It dies with us, so a kill -9 leaves no program behind that
 * still writes into a folder which the next start removes.
 * @throws {DiskFullError} the program met a full disk
 * @throws {Error} it failed, or took longer than its time
 */
export async function runProgram(program: Program): Promise<string> {
  program.signal?.throwIfAborted();
  const [file = 'false', ...args] = asMortal(program.argv);
  const result = await execa(file, args, {
    stdin: 'ignore',
    reject: false,
    timeout: program.timeoutMs,
    forceKillAfterDelay: 1000,
    env: { LC_ALL: 'C' },
    ...(program.cwd === undefined ? {} : { cwd: program.cwd }),
    ...(program.signal === undefined ? {} : { cancelSignal: program.signal }),
  });
  program.signal?.throwIfAborted();
  if (!result.failed) return result.stdout;
  if (result.timedOut) throw new Error(`Cannot ${program.purpose}: it took more than ${program.timeoutMs / 1000} s`);
  throw asDiskFull(new Error(`Cannot ${program.purpose}: ${reasonIn(result.stderr) ?? result.shortMessage}`));
}

/** The same failure as a DiskFullError if that is what it is. */
export function asDiskFull(error: Error): Error {
  return DISK_FULL.test(error.message)
    ? new DiskFullError(`${error.message} (the disk is full)`, { cause: error })
    : error;
}

/** Must stand innermost, after `unshare --user`: a change of user takes the death signal away. */
function asMortal(argv: readonly string[]): readonly string[] {
  const end = argv[0] === 'unshare' ? argv.indexOf('--') + 1 : 0;
  const own = argv.slice(end);
  // Where unshare forks, its own death is passed on by --kill-child, so it is unshare that must die with us.
  if (argv.slice(0, end).includes('--fork')) return ['setpriv', '--pdeathsig', 'KILL', ...argv];
  return [...argv.slice(0, end), 'setpriv', '--pdeathsig', 'KILL', ...own];
}

/** The line that tells most: that of a full disk, else the last; "exiting with failure status" follows the true one. */
function reasonIn(stderr: string): string | undefined {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.includes('previous errors'));
  return lines.find((line) => DISK_FULL.test(line)) ?? lines.at(-1);
}

const DISK_FULL = /ENOSPC|EDQUOT|no space left on device|disk quota exceeded/i;
