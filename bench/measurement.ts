/** Bench: measures what the design promises and compares it with the budgets. Figures, never pass or fail of a test. */

/** One row of the table. */
export type Measurement = {
  readonly what: string;
  readonly measured: string;
  /** Empty: no budget, for comparison only. */
  readonly budget: string;
  readonly verdict: 'met' | 'MISSED' | 'FAILED' | '';
};

/** A topic measures what belongs together, in a process of its own. */
export type Topic = {
  readonly name: string;
  readonly about: string;
  readonly run: (signal: AbortSignal) => Promise<readonly Measurement[]>;
};

export type Quantity = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
};

/** A figure that must be less than `limit`. */
export function lessThan(limit: number, { what, value, unit }: Quantity): Measurement {
  const verdict = value < limit ? 'met' : 'MISSED';
  return { what, measured: withUnit(value, unit), budget: `< ${withUnit(limit, unit)}`, verdict };
}

/** A figure that may be `limit` and no more. */
export function atMost(limit: number, { what, value, unit }: Quantity): Measurement {
  const verdict = value <= limit ? 'met' : 'MISSED';
  return { what, measured: withUnit(value, unit), budget: `≤ ${withUnit(limit, unit)}`, verdict };
}

/** A figure that must be `limit` or more. */
export function atLeast(limit: number, { what, value, unit }: Quantity): Measurement {
  const verdict = value >= limit ? 'met' : 'MISSED';
  return { what, measured: withUnit(value, unit), budget: `≥ ${withUnit(limit, unit)}`, verdict };
}

/** A figure without a budget: a reference, or what explains another figure. */
export function noted({ what, value, unit }: Quantity): Measurement {
  return { what, measured: withUnit(value, unit), budget: '', verdict: '' };
}

/** How many times better than the reference of the same run. `ours` and `theirs`: less is better. */
export function timesLess(
  what: string,
  { ours, theirs }: { readonly ours: number; readonly theirs: number },
): Measurement {
  return noted({ what, value: theirs / ours, unit: 'times' });
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
