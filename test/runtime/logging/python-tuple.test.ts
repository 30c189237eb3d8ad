import { expect, test } from 'vitest';
import { parsePythonTuple } from '../../../src/runtime/logging/python-tuple.ts';

test.each([
  ['()', []],
  ['(sys.stdout,)', ['sys.stdout']],
  ["('/var/log/x.log', 'midnight', 1, 30)", ['/var/log/x.log', 'midnight', 1, 30]],
  ['("/var/log/x, y.log", )', ['/var/log/x, y.log']],
  ['(None, True, False, -1, 2.5)', [undefined, true, false, -1, 2.5]],
  ["['/var/log/x.log', 'a']", ['/var/log/x.log', 'a']],
  ["(('a (1), b', 514), handlers.SysLogHandler.LOG_USER)", [['a (1), b', 514], 'handlers.SysLogHandler.LOG_USER']],
  ["  ( '/var/log/x.log' )  ", ['/var/log/x.log']],
])('%s', (text, values) => {
  expect(parsePythonTuple(text)).toEqual(values);
});

test.each(["'/var/log/x.log'", '', "('/var/log/x.log'", "((('localhost', 514),),)", "('a' 'b')"])(
  'refuses what is no tuple of plain values, or of such tuples: %s',
  (text) => {
    expect(() => parsePythonTuple(text)).toThrow(/^args .* are not a (plain )?tuple$/);
  },
);
