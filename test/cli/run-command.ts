import { ALL_COMMANDS } from '../../src/cli/all-commands.ts';
import type { CommandContext } from '../../src/cli/command.ts';
import { parseCommandLine } from '../../src/cli/command-line.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

/**
 * Runs a command line as an operator types it, without the program's name, and gives what goes to standard output.
 * @throws {UsageError} what was asked for is wrong, refused or unknown
 */
export async function runCommand(
  words: readonly string[],
  context: CommandContext,
  signal: AbortSignal = neverAborted,
): Promise<string> {
  const parsed = parseCommandLine(words, ALL_COMMANDS, '1.2.3');
  if (parsed.kind === 'print') throw new Error(`No command is run: ${parsed.stdout}${parsed.stderr}`);
  return await parsed.command.run(parsed.args, context, signal);
}
