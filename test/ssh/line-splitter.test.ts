import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter, MAX_LINE_CHARACTERS } from '../../src/ssh/line-splitter.ts';
import { OutputTail } from '../../src/ssh/output-tail.ts';

function linesOf(...chunks: (string | Buffer)[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

test('lines come without their ends, also those that arrive in pieces or unfinished', () => {
  expect(linesOf('on', 'e\r\ntwo\n\nfo', 'ur')).toEqual(['one', 'two', '', 'four']);
});

test('a long line is cut, and the next one is whole', () => {
  const [long, next] = linesOf('x'.repeat(MAX_LINE_CHARACTERS), 'yyy', 'zzz\nnext\n');

  expect(long).toBe('x'.repeat(MAX_LINE_CHARACTERS));
  expect(next).toBe('next');
});

test('how bytes are cut into chunks does not matter, not even within a character', () => {
  const text = fc
    .array(fc.constantFrom('a', 'é', '😀', '\n', '\r\n', 'word '), { maxLength: 60 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 7 }), (content, size) => {
      const bytes = Buffer.from(content);
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );

      expect(linesOf(...chunks)).toEqual(linesOf(bytes));
    }),
  );
});

test('a tail holds the last lines and at most 4 KiB', () => {
  const tail = new OutputTail();
  for (let line = 0; line < 2000; line += 1) tail.add(`line ${line}`);

  const lines = tail.toString().split('\n');
  expect(lines.at(-1)).toBe('line 1999');
  expect(lines[0]).toMatch(/^line \d+$/);
  expect(Buffer.byteLength(tail.toString())).toBeLessThanOrEqual(4096);
});

test('a tail of one long line is its end, without half a character', () => {
  const tail = new OutputTail();
  tail.add(`a${'é'.repeat(4000)}`);

  expect(tail.toString()).toMatch(/^é+$/);
  expect(Buffer.byteLength(tail.toString())).toBeLessThanOrEqual(4096);
});
