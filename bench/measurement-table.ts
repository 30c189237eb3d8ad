import { renderTable } from '../src/cli/render-table.ts';
import type { Budget, Measurement, Size } from './measurement.ts';
import { median } from './percentile.ts';

/** A figure with its values in all runs. */
type Row = { readonly first: Measurement; readonly values: number[] };

/** The table of a topic that was run once or more often. The verdict is on the median. */
export function measurementTable(runs: readonly (readonly Measurement[])[], size: Size): string {
  const spread = runs.length > 1;
  const header = ['What', ...(spread ? ['Least', 'Median', 'Most'] : ['Measured']), 'Budget', 'Verdict'];
  const rows = joinRuns(runs).map(({ first, values }) => {
    const shown = spread ? [Math.min(...values), median(values), Math.max(...values)] : values;
    return [
      first.what,
      ...shown.map((value) => withUnit(value, first.unit)),
      first.budget === undefined ? '' : `${first.budget.sense} ${withUnit(first.budget.limit, first.unit)}`,
      first.budget === undefined || size === 'tiny' ? '' : verdict(median(values), first.budget),
    ];
  });
  return renderTable(header, rows);
}

/** Whether a median is outside its budget. */
export function missesBudget(runs: readonly (readonly Measurement[])[]): boolean {
  return joinRuns(runs).some(
    ({ first: { budget }, values }) => budget !== undefined && verdict(median(values), budget) === 'MISSED',
  );
}

function verdict(value: number, { sense, limit }: Budget): 'met' | 'MISSED' {
  const isMet = sense === '<' ? value < limit : sense === '≤' ? value <= limit : value >= limit;
  return isMet ? 'met' : 'MISSED';
}

/** Figures by their name; an indented one belongs to the last that is not. */
function joinRuns(runs: readonly (readonly Measurement[])[]): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const run of runs) {
    let heading = '';
    for (const measurement of run) {
      const { what, value } = measurement;
      if (!what.startsWith(' ')) heading = what;
      const key = `${heading}\n${what}`;
      const row = rows.get(key);
      if (row === undefined) rows.set(key, { first: measurement, values: [value] });
      else row.values.push(value);
    }
  }
  return [...rows.values()];
}

function withUnit(value: number, unit: string): string {
  return unit === '' ? plain(value) : `${plain(value)} ${unit}`;
}

/** Three digits are more than a shared machine repeats. */
function plain(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
