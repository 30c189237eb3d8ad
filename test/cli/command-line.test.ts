import { describe, expect, test } from 'vitest';
import { ALL_COMMANDS } from '../../src/cli/all-commands.ts';
import { parseCommandLine, type ParsedCommandLine } from '../../src/cli/command-line.ts';

function parse(...words: readonly string[]): ParsedCommandLine {
  return parseCommandLine(words, ALL_COMMANDS, '1.2.3');
}

describe('a wrong command line is one line on standard error and status 1', () => {
  test.each([
    [['lst'], "Unknown command 'lst' (Did you mean list?)"],
    [['frobnicate'], "Unknown command 'frobnicate'"],
    [['--bogus', 'list'], "Unknown option '--bogus'"],
    [['list', '--bogus'], "Unknown option '--bogus'"],
    [['list', 'extra'], "Too many arguments for 'list'. Expected 0 arguments but got 1"],
    [['hold'], "Missing required argument 'id'"],
    [['hold', '1', '2'], "Too many arguments for 'hold'. Expected 1 argument but got 2"],
    [['delete', '1', '2', '--now'], "Too many arguments for 'delete'. Expected 1 argument but got 2"],
    [['hold', '1', '--reason'], "Option '--reason <text>' argument missing"],
    [['image-update', 'all'], "Missing required argument 'image'"],
    [['history'], "Missing required argument 'id'"],
    [['db'], "Missing required argument 'action'"],
    [['-c'], "Option '-c, --config <file>' argument missing"],
    [['-c', '', 'list'], "Option '-c, --config <file>' argument '' is invalid. It is empty"],
    [['hold', ''], "Command-argument value '' is invalid for argument 'id'. It is empty"],
    [['\u001b[31m'], String.raw`Unknown command '\x1b[31m'`],
  ])('%j', (words, stderr) => {
    expect(parse(...words)).toEqual({ kind: 'print', stdout: '', stderr: `${stderr}\n`, exitCode: 1 });
  });
});

test('no command is help on standard error and status 1', () => {
  expect(parse()).toMatchObject({
    kind: 'print',
    stdout: '',
    stderr: expect.stringMatching(/^Usage: nodepool [^]*image-update/) as string,
    exitCode: 1,
  });
});

test.each([[['-h']], [['help']], [['--help']]])('%j is help on standard output and status 0', (words) => {
  const help = parse(...words);

  expect(help).toMatchObject({ kind: 'print', stderr: '', exitCode: 0 });
  expect(help).toMatchObject({ stdout: expect.stringMatching(/^Usage: nodepool /) as string });
});

test.each(ALL_COMMANDS.map(({ name }) => name))('%s has help of its own', (name) => {
  expect(parse(name, '-h')).toMatchObject({
    kind: 'print',
    stdout: expect.stringContaining(`Usage: nodepool ${name}`) as string,
    exitCode: 0,
  });
});

test('--version prints the version alone, as upstream’s command line does', () => {
  expect(parse('--version')).toEqual({ kind: 'print', stdout: '1.2.3\n', stderr: '', exitCode: 0 });
});

test('without options the files are upstream’s', () => {
  expect(parse('list')).toMatchObject({
    kind: 'run',
    command: { name: 'list' },
    globals: { config: '/etc/nodepool/nodepool.yaml', secure: '/etc/nodepool/secure.conf', debug: false },
  });
});

test('options of the program go before the command', () => {
  const words = ['-c', 'a.yaml', '-s', 'b.conf', '-l', 'c.conf', '--debug', 'hold', '12', '--reason', 'why not'];

  expect(parse(...words)).toMatchObject({
    command: { name: 'hold' },
    args: { positionals: { id: '12' }, options: { reason: 'why not' } },
    globals: { config: 'a.yaml', secure: 'b.conf', loggingConfig: 'c.conf', debug: true },
  });
});
