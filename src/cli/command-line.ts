import { Command as Program, CommanderError } from 'commander';
import type { Command, CommandArguments } from './command.ts';
import { notEmpty } from './not-empty.ts';
import { printable } from './printable.ts';

/** Options that go before the command (upstream's). */
export type GlobalOptions = {
  readonly config: string;
  readonly secure: string;
  readonly loggingConfig?: string;
  readonly debug: boolean;
};

/** A command line as it was read: what to run, or what to print instead. */
export type ParsedCommandLine =
  | {
      readonly kind: 'run';
      readonly command: Command;
      readonly args: CommandArguments;
      readonly globals: GlobalOptions;
    }
  | { readonly kind: 'print'; readonly stdout: string; readonly stderr: string; readonly exitCode: number };

/** Reads a command line; `argv` without the program's own two words. Never exits and never prints. */
export function parseCommandLine(
  argv: readonly string[],
  commands: readonly Command[],
  version: string,
): ParsedCommandLine {
  const output = { stdout: '', stderr: '' };
  let chosen: { readonly command: Command; readonly args: CommandArguments } | undefined;
  const program = new Program('nodepool')
    .description('Looks at and steers a pool of nodes')
    .version(version)
    .option('-c, --config <file>', 'configuration', notEmpty, '/etc/nodepool/nodepool.yaml')
    .option('-s, --secure <file>', 'secrets', notEmpty, '/etc/nodepool/secure.conf')
    .option('-l, --logging-config <file>', 'Python logging configuration', notEmpty)
    .option('--debug', 'log at level DEBUG to standard error', false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => (output.stdout += text),
      writeErr: (text) => (output.stderr += text),
      outputError: (text) => (output.stderr += complaintOf(text)),
    });
  for (const command of commands) {
    addCommand(program, command, (args) => {
      chosen = { command, args };
    });
  }
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isAsked = error.exitCode === 0;
    return { kind: 'print', ...output, exitCode: isAsked ? 0 : 1 };
  }
  if (chosen === undefined) return { kind: 'print', stdout: '', stderr: program.helpInformation(), exitCode: 1 };
  return { kind: 'run', ...chosen, globals: program.opts<GlobalOptions>() };
}

/** Commander's complaint as one line in our style: `Unknown command 'lst' (Did you mean list?)`. */
function complaintOf(text: string): string {
  const line = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s+/g, ' ');
  return `${printable(line.charAt(0).toUpperCase() + line.slice(1)).replace(/[.]$/, '')}\n`;
}

function addCommand(program: Program, command: Command, choose: (args: CommandArguments) => void): void {
  const sub = program.command(command.name).description(command.summary).exitOverride();
  for (const { name, summary, isOptional } of command.positionals) {
    sub.argument(isOptional === true ? `[${name}]` : `<${name}>`, summary, notEmpty);
  }
  for (const { flags, summary } of command.options) sub.option(flags, summary);
  sub.action((...values: unknown[]) => {
    const given = values.slice(0, command.positionals.length);
    const named = command.positionals.map(({ name }, index) => [name, given[index]] as const);
    choose({
      positionals: Object.fromEntries(
        named.filter((pair): pair is readonly [string, string] => typeof pair[1] === 'string'),
      ),
      options: sub.opts<CommandArguments['options']>(),
    });
  });
}
