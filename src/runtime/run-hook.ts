import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Clock, withDeadline } from './clock.ts';
import { OutputCleaner } from './output-cleaner.ts';

/** What a hook said is shown up to here. */
const TAIL_CHARS = 300;
/** Output that comes later than this after the hook's end is of something that it left behind. */
const LAST_WORDS_MS = 500;

export type Hook = {
  /** Absolute path; there is no shell, and there are no arguments. */
  readonly program: string;
  /** All that it gets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
};

/**
 * Runs an operator's program to its end. It is killed, with what it started, when it takes too long or `signal` is aborted.
 * @throws {Error} it could not be started, or ended with another status than 0; the message ends with its last words
 * @throws {DeadlineExceededError} it took too long
 */
export async function runHook(hook: Hook, deps: { readonly clock: Clock }, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { program, environment: env } = hook;
  // A group of its own: all of it can be killed, and Ctrl-C is for us.
  const child = spawn(program, [], { cwd: '/', env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const ended = once(child, 'exit').catch((error: unknown) => {
    throw new Error(`Cannot run "${program}"`, { cause: error });
  });
  const closed = once(child, 'close');
  closed.catch(() => undefined); // as `ended`
  const words = lastWords(child);
  try {
    await withDeadline({ what: `"${program}"`, ms: hook.timeoutMs }, { ...deps, signal }, () => ended);
    await withDeadline({ what: 'its output', ms: LAST_WORDS_MS }, deps, () => closed).catch(() => undefined);
  } finally {
    killGroup(child);
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  }
  if (child.exitCode === 0) return;
  const end = child.exitCode === null ? `signal ${child.signalCode ?? 'unknown'}` : `status ${child.exitCode}`;
  throw new Error(`"${program}" ended with ${end}${words()}`);
}

/** Reads all, keeps the end. */
function lastWords({ stdout, stderr }: ChildProcess): () => string {
  let tail = '';
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-2 * TAIL_CHARS);
    });
  }
  return () => {
    const said = new OutputCleaner([]).clean(tail.split('\n')).join(' | ').slice(-TAIL_CHARS);
    return said === '' ? '' : `: ${said}`;
  };
}

/** Only while its leader lives: its number may be another's after that. */
function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended just now.
  }
}
