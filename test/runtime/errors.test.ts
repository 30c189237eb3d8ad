import { describe, expect, test } from 'vitest';
import { asError, DeadlineExceededError, describeError, isAbort } from '../../src/runtime/errors.ts';

describe('describeError', () => {
  test('tells the message and its causes on one line, outermost first', () => {
    const root = new Error('connect ECONNREFUSED\n  127.0.0.1:22');
    const error = new Error('Cannot log in', { cause: new Error('ssh failed', { cause: root }) });

    expect(describeError(error)).toBe('Cannot log in: ssh failed: connect ECONNREFUSED 127.0.0.1:22');
  });

  test('leaves out a cause that the message repeats already', () => {
    const cause = new Error('status 503');

    expect(describeError(new Error('Nova got status 503', { cause }))).toBe('Nova got status 503');
  });

  test('says the class where there is no message', () => {
    expect(describeError(new TypeError())).toBe('TypeError');
  });

  test('describes what is no error', () => {
    expect(describeError('a text')).toBe('a text');
    expect(describeError(42)).toBe('42');
  });

  test('ends although causes go round in a circle', () => {
    const error = new Error('outer');
    error.cause = new Error('inner', { cause: error });

    expect(describeError(error)).toBe('outer: inner');
  });

  test('stops after eight errors', () => {
    let error = new Error('e99');
    for (let n = 98; n >= 1; n -= 1) error = new Error(`e${n}`, { cause: error });

    expect(describeError(error)).toBe('e1: e2: e3: e4: e5: e6: e7: e8');
  });
});

describe('asError', () => {
  test('keeps an error, and makes one of anything else', () => {
    const error = new Error('as it is');

    expect(asError(error)).toBe(error);
    expect(asError('text')).toEqual(new Error('text'));
    expect(asError(undefined)).toEqual(new Error('undefined'));
  });
});

describe('isAbort', () => {
  const reason = new Error('Stopping');

  const aborted = AbortSignal.abort(reason);

  test.each([
    ['the signal’s own reason', reason],
    ['what Node throws for an aborted signal', new DOMException('x', 'AbortError')],
  ])('is true for %s', (_, error) => {
    expect(isAbort(error, aborted)).toBe(true);
  });

  test.each([
    ['another failure at the same time', new Error('disk full')],
    ['a deadline', new DeadlineExceededError('x', 1)],
    ['what is no error', 'text'],
  ])('is false for %s', (_, error) => {
    expect(isAbort(error, aborted)).toBe(false);
  });

  test('is false for an abort of somebody else’s signal', () => {
    expect(isAbort(new DOMException('x', 'AbortError'), new AbortController().signal)).toBe(false);
  });
});

test('a deadline says in seconds what was waited for', () => {
  expect(new DeadlineExceededError('Keystone to answer', 1500)).toMatchObject({
    message: 'Timeout waiting for Keystone to answer (1.5 s)',
    what: 'Keystone to answer',
    ms: 1500,
  });
});
