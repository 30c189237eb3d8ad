import { printable } from './printable.ts';
import { isPlain, textWidth } from './text-width.ts';

/** One cell: undefined and null print as `None`. */
export type Cell = string | number | undefined | null;

type Column = {
  /** Its title, and then its cell of each row. */
  readonly texts: readonly string[];
  readonly width: number;
  /** All texts are: they are one line each, and as wide as long. */
  readonly isPlain: boolean;
};

/**
 * A table as PrettyTable 0.7 prints it, ending in a newline: scrapers split on `|` by position. A newline in a value makes
 * a second line in its cell; other control characters are shown as what they are.
 */
export function renderTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const columns = header.map((title, number) => columnOf([title, ...rows.map((row) => String(row[number] ?? 'None'))]));
  const rule = `+${columns.map(({ width }) => '-'.repeat(width + 2)).join('+')}+`;
  const [titles = '', ...body] = Array.from({ length: rows.length + 1 }, (_, row) => renderRow(columns, row));
  return [rule, titles, rule, ...body, rule, ''].join('\n');
}

/** Columns, not cells, are found to be plain: there may be 10,000 rows, and nearly all columns are. */
function columnOf(values: readonly string[]): Column {
  const plain = values.every(isPlain);
  const texts = plain ? values : values.map(printable);
  const widthOf = plain ? (text: string) => text.length : blockWidth;
  return { texts, width: texts.reduce((width, text) => Math.max(width, widthOf(text)), 0), isPlain: plain };
}

/** Of the widest line. */
function blockWidth(text: string): number {
  return text.includes('\n') ? Math.max(...text.split('\n').map(textWidth)) : textWidth(text);
}

function renderRow(columns: readonly Column[], row: number): string {
  if (columns.some(({ texts, isPlain }) => !isPlain && texts[row]?.includes('\n') === true))
    return renderBlock(columns, row);
  return renderLine(columns, (column) => column.texts[row]);
}

function renderBlock(columns: readonly Column[], row: number): string {
  const lines = new Map(columns.map((column) => [column, (column.texts[row] ?? '').split('\n')]));
  const height = Math.max(...[...lines.values()].map(({ length }) => length));
  const lineOf = (number: number): string => renderLine(columns, (column) => lines.get(column)?.[number]);
  return Array.from({ length: height }, (_, number) => lineOf(number)).join('\n');
}

function renderLine(columns: readonly Column[], textOf: (column: Column) => string | undefined): string {
  return `| ${columns.map((column) => pad(textOf(column) ?? '', column)).join(' | ')} |`;
}

function pad(text: string, { width, isPlain }: Column): string {
  return isPlain ? text.padEnd(width) : text + ' '.repeat(Math.max(0, width - textWidth(text)));
}
