import { textWidth } from './text-width.ts';

/** One cell: undefined and null print as `None`. */
export type Cell = string | number | undefined | null;

/**
 * A table as PrettyTable 0.7 prints it, ending in a newline: scrapers split on `|` by position. A newline in a value makes
 * a second line in its cell.
 */
export function renderTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => header.map((_, column) => cellLines(row[column])));
  const widths = header.map((title, column) => widest([title, ...texts.flatMap((row) => row[column] ?? [])]));
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  const body = texts.flatMap((row) => renderRow(row, widths));
  return [rule, renderLine(header, widths), rule, ...body, rule, ''].join('\n');
}

function widest(lines: readonly string[]): number {
  return lines.reduce((width, line) => Math.max(width, textWidth(line)), 0);
}

function cellLines(cell: Cell): readonly string[] {
  return cell === undefined || cell === null ? ['None'] : String(cell).split('\n');
}

function renderRow(cells: readonly (readonly string[])[], widths: readonly number[]): readonly string[] {
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    renderLine(
      cells.map((lines) => lines[line] ?? ''),
      widths,
    ),
  );
}

function renderLine(texts: readonly string[], widths: readonly number[]): string {
  return `|${widths.map((width, column) => ` ${pad(texts[column] ?? '', width)} `).join('|')}|`;
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}
