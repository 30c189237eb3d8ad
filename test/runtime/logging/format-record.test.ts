import { describe, expect, test } from 'vitest';
import { DEFAULT_FORMAT, formatJson, formatRecord } from '../../../src/runtime/logging/format-record.ts';
import type { LogRecord } from '../../../src/runtime/logging/log-record.ts';
import { Secret } from '../../../src/runtime/secret.ts';

const RECORD: LogRecord = {
  at: new Date(2016, 0, 4, 19, 51, 16, 56),
  name: 'nodepool.NodePool',
  level: 'debug',
  message: 'Looks',
  facts: {},
};

function aRecord(facts: Partial<LogRecord>): LogRecord {
  return { ...RECORD, ...facts };
}

describe('a line', () => {
  test('looks as upstream’s do by default', () => {
    expect(formatRecord(RECORD, DEFAULT_FORMAT)).toBe('2016-01-04 19:51:16,056 DEBUG nodepool.NodePool: Looks');
  });

  test.each([
    ['%(levelname)-8s|', 'DEBUG   |'],
    ['%(levelname)8s|', '   DEBUG|'],
    ['%(name).8s|', 'nodepool|'],
    ['%(levelno)03d', '010'],
    ['%(msecs)03d', '056'],
    ['100%% %(message)s', '100% Looks'],
    ['%(unknown)s%(message)s', 'Looks'],
  ])('%s is printed as Python does: %s', (format, line) => {
    expect(formatRecord(RECORD, format)).toBe(line);
  });

  test('has the time in the form that the configuration asks for', () => {
    expect(formatRecord(RECORD, '%(asctime)s', '%d/%b/%Y %H:%M')).toBe('04/Jan/2016 19:51');
  });

  test('calls a warning WARNING, as Python does', () => {
    expect(formatRecord(aRecord({ level: 'warn' }), '%(levelname)s')).toBe('WARNING');
  });
});

describe('facts', () => {
  test('follow the message, quoted where they would be misread', () => {
    const facts = { node: 7, job: 'gate x', empty: '', gone: undefined, ok: true };

    expect(formatRecord(aRecord({ facts }), '%(message)s')).toBe('Looks node=7 job="gate x" empty="" ok=true');
  });

  test('never show a secret', () => {
    const facts = { password: new Secret('hunter2'), nested: { deep: new Secret('hunter2') } };

    expect(formatRecord(aRecord({ facts }), '%(message)s')).not.toContain('hunter2');
    expect(formatJson(aRecord({ facts }))).not.toContain('hunter2');
  });

  test('tell an error with its causes on one line', () => {
    const error = Object.assign(new Error('Cannot log in', { cause: new Error('refused') }), { name: 'RemoteError' });

    expect(formatRecord(aRecord({ facts: { error } }), '%(message)s')).toBe('Looks: Cannot log in: refused');
  });

  test('tell a bug with its stack', () => {
    const line = formatRecord(
      aRecord({ level: 'error', facts: { error: new TypeError('x is no function') } }),
      '%(message)s',
    );

    expect(line).toContain('Looks: x is no function\n');
    expect(line).toContain('format-record.test');
  });
});

test('JSON is one object per line, with the facts as keys', () => {
  const line = formatJson(aRecord({ facts: { node: 7, error: new Error('away', { cause: new Error('503') }) } }));

  expect(line).not.toContain('\n');
  expect(JSON.parse(line)).toEqual({
    ...{ time: RECORD.at.toISOString(), level: 'debug', logger: 'nodepool.NodePool', message: 'Looks' },
    ...{ node: 7, error: 'away: 503' },
  });
});
