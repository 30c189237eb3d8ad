import { printable } from './printable.ts';
import { textWidth } from './text-width.ts';

/** One cell: undefined and null print as `None`. */
export type Cell = string | number | undefined | null;

/**
 * A table as PrettyTable 0.7 prints it, ending in a newline: scrapers split on `|` by position. A newline in a value makes
 * a second line in its cell; other control characters are shown as what they are.
 */
export function renderTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => header.map((_, column) => cellText(row[column])));
  const widths = header.map((title, column) =>
    texts.reduce((width, row) => Math.max(width, blockWidth(row[column] ?? '')), textWidth(title)),
  );
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const body = texts.map((row) => renderRow(row, widths));
  return [rule, renderLine(header, widths), rule, ...body, rule, ''].join('\n');
}

function cellText(cell: Cell): string {
  return cell === undefined || cell === null ? 'None' : printable(String(cell));
}

/** Of the widest line. */
function blockWidth(text: string): number {
  return text.includes('\n') ? Math.max(...text.split('\n').map(textWidth)) : textWidth(text);
}

/** Nearly every row is one line, and there may be 10,000: only the others are split. */
function renderRow(texts: readonly string[], widths: readonly number[]): string {
  if (!texts.some((text) => text.includes('\n'))) return renderLine(texts, widths);
  const cells = texts.map((text) => text.split('\n'));
  const height = Math.max(...cells.map((lines) => lines.length));
  const lineOf = (number: number): string =>
    renderLine(
      cells.map((lines) => lines[number] ?? ''),
      widths,
    );
  return Array.from({ length: height }, (_, number) => lineOf(number)).join('\n');
}

function renderLine(texts: readonly string[], widths: readonly number[]): string {
  return `|${widths.map((width, column) => ` ${pad(texts[column] ?? '', width)} `).join('|')}|`;
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}
