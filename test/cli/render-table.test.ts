import { expect, test } from 'vitest';
import { renderTable } from '../../src/cli/render-table.ts';

const HEADER = ['ID', 'Comment'];

function lines(...all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}

test('cells are padded to the widest one and left aligned, as PrettyTable does', () => {
  const rows = [
    [1, 'short'],
    [1000, 'x'],
  ];

  expect(renderTable(HEADER, rows)).toBe(
    lines(
      '+------+---------+',
      '| ID   | Comment |',
      '+------+---------+',
      '| 1    | short   |',
      '| 1000 | x       |',
      '+------+---------+',
    ),
  );
});

test('without rows there are the header and both its rules and one more rule', () => {
  expect(renderTable(HEADER, [])).toBe(
    lines('+----+---------+', '| ID | Comment |', '+----+---------+', '+----+---------+'),
  );
});

test('a missing value is None, an empty text is blanks', () => {
  const rows = [
    [1, undefined],
    [2, null],
    [3, ''],
    [4, 0],
  ];

  expect(renderTable(HEADER, rows).split('\n').slice(3, 7)).toEqual([
    '| 1  | None    |',
    '| 2  | None    |',
    '| 3  |         |',
    '| 4  | 0       |',
  ]);
});

test('a newline in a value makes a second line in its cell, and the other cells of that line are blank', () => {
  expect(renderTable(HEADER, [[1, 'one\ntwo']])).toBe(
    lines(
      '+----+---------+',
      '| ID | Comment |',
      '+----+---------+',
      '| 1  | one     |',
      '|    | two     |',
      '+----+---------+',
    ),
  );
});

test('East Asian letters count as two columns and combining marks as none, so that the rules still meet', () => {
  const rows = [
    [1, '構築用マシン'],
    [2, 'Zu\u0308rich'],
  ];

  expect(renderTable(HEADER, rows)).toBe(
    lines(
      '+----+--------------+',
      '| ID | Comment      |',
      '+----+--------------+',
      '| 1  | 構築用マシン |',
      '| 2  | Zu\u0308rich       |',
      '+----+--------------+',
    ),
  );
});

test.each([
  ['an escape sequence', '\u001b[2J\u001b[31mred', String.raw`\x1b[2J\x1b[31mred`],
  ['a carriage return, which would overwrite the line', 'a\rb', String.raw`a\rb`],
  ['a tab, whose width nobody knows', 'a\tb', String.raw`a\tb`],
  ['a bell and a backspace', '\u0007\b', String.raw`\x07\x08`],
  ['a C1 control, which some terminals take as an escape', '\u009b2J', String.raw`\x9b2J`],
  ['a letter that turns the direction of the text', 'ab\u202ecd', String.raw`ab\u202ecd`],
])('%s in a value is shown and not sent to the terminal', (_what, value, shown) => {
  const table = renderTable(['A'], [[value]]);

  expect(table.split('\n')[3]).toBe(`| ${shown} |`);
  expect(table.split('\n')[0]).toBe(`+${'-'.repeat(shown.length + 2)}+`);
});
