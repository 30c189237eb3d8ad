import { expect, test } from 'vitest';
import { formatRecord } from '../../../src/runtime/logging/format-record.ts';
import type { LogRecord } from '../../../src/runtime/logging/log-record.ts';
import { pythonLogging } from '../../../src/runtime/logging/python-logging.ts';
import { readLoggingIni } from '../../../src/runtime/logging/read-logging-ini.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';

const RECORD: LogRecord = { at: new Date(0), name: 'nodepool', level: 'info', message: 'Said', facts: {} };

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  'the field %s is unknown like any other, though every object has it',
  (field) => {
    expect(formatRecord(RECORD, `%(${field})s:%(message)s`)).toBe(':Said');
  },
);

test('a width of many digits makes no line of gigabytes, and a precision of many no error', () => {
  expect(formatRecord(RECORD, '%(message)999999999s')).toHaveLength(1000);
  expect(formatRecord(RECORD, '%(created).999f')).toBe(`0.${'0'.repeat(20)}`);
});

test('control characters of peers are shown and not obeyed: they would command the terminal of who reads the log', () => {
  const line = formatRecord({ ...RECORD, message: 'Node \u001b[2J\u0007\r\u009b1m is up' }, '%(message)s');

  expect(line).toBe(String.raw`Node \x1b[2J\x07\x0d\x9b1m is up`);
});

test('a handler class that every object has is not supported, and said so', () => {
  const warnings: string[] = [];
  const root = '[loggers]\nkeys=root\n[logger_root]\nlevel=INFO\n';
  const text =
    '[handlers]\nkeys=a,b,c\n[handler_c]\nclass=StreamHandler\n[handler_a]\nclass=constructor\n[handler_b]\nclass=toString\n';

  pythonLogging(root + text, new FakeClock(), (line) => warnings.push(line));

  expect(warnings).toEqual([
    'logging configuration: [handler_a] is left out: class "constructor" is not supported',
    'logging configuration: [handler_b] is left out: class "toString" is not supported',
  ]);
});

test('a line of a million blanks is read in an instant', () => {
  expect(() => readLoggingIni(`[a]\nkey${' '.repeat(1_000_000)}end\n`)).toThrow('neither');
  expect(readLoggingIni('[a]\nKey : value = more\n').get('a')).toEqual(new Map([['key', 'value = more']]));
});
