/** The command line: reads what was asked for and hands the command what it may use. Loads clients only when needed. */
import { userInfo } from 'node:os';
import { VERSION } from './assembly/version.ts';
import { ALL_COMMANDS } from './cli/all-commands.ts';
import { IncompleteError, UsageError } from './cli/command.ts';
import { type GlobalOptions, parseCommandLine } from './cli/command-line.ts';
import { exitCodeOf } from './cli/exit-code.ts';
import { printable } from './cli/printable.ts';
import { describeError } from './runtime/errors.ts';

const stop = new AbortController();
const interrupt = (): void => {
  stop.abort(new UsageError('Interrupted'));
};
process.on('SIGINT', interrupt);
process.on('SIGTERM', interrupt);

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // who reads our table has seen enough (`nodepool list | head`)
  process.stderr.write(`Cannot write to standard output: ${describeError(error)}\n`);
  process.exit(1);
});
process.stderr.on('error', () => undefined); // nobody is left to be told

process.exitCode = 1; // for the case that nothing is left to wait for before the command has ended
void main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});

async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseCommandLine(argv, ALL_COMMANDS, VERSION);
  if (parsed.kind === 'print') {
    process.stdout.write(parsed.stdout);
    process.stderr.write(parsed.stderr);
    return parsed.exitCode;
  }
  const { command, args, globals } = parsed;
  try {
    const { openContext } = await import('./assembly/command-context.ts');
    await using context = openContext({ ...globals, user: userName() }, stop.signal);
    process.stdout.write(await command.run(args, context, stop.signal));
    return 0;
  } catch (error) {
    if (error instanceof IncompleteError) process.stdout.write(error.output);
    process.stderr.write(`${complaint(error, globals)}\n`);
    return exitCodeOf(error);
  }
}

/** What the operator reads: the reason in a line, and with --debug where it happened. */
function complaint(error: unknown, globals: GlobalOptions): string {
  const isListing = error instanceof Error && error.message.includes('\n');
  const text = printable(isListing ? error.message : describeError(error));
  return globals.debug && error instanceof Error ? `${text}\n${error.stack ?? ''}` : text;
}

function userName(): string {
  try {
    return process.env['SUDO_USER'] ?? userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown'); // an account without an entry in passwd
  }
}
