/** A schedule that APScheduler would not take. */
export class CronError extends Error {
  override readonly name = 'CronError';
}

export type CronField = {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of the values, the first one for `min`. */
  readonly names?: readonly string[];
};

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** 0 = Monday. */
export const WEEKDAYS: readonly string[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

export const CRON_FIELDS = {
  second: { name: 'second', min: 0, max: 59 },
  minute: { name: 'minute', min: 0, max: 59 },
  hour: { name: 'hour', min: 0, max: 23 },
  day: { name: 'day', min: 1, max: 31 },
  month: { name: 'month', min: 1, max: 12, names: MONTHS },
  weekday: { name: 'day of week', min: 0, max: 6, names: WEEKDAYS },
} as const satisfies Record<string, CronField>;

/** The field for croner: every value it stands for, `*` for all of them. @throws {CronError} */
export function readField(text: string, field: CronField): string {
  const values = valuesOf(text, field);
  return values.length === field.max - field.min + 1 ? '*' : values.join(',');
}

/** Every value that a list of `*`, `a`, `a-b` and steps stands for, ascending. @throws {CronError} */
export function valuesOf(text: string, field: CronField): readonly number[] {
  const values = text.split(',').flatMap((item) => rangeOf(item.trim(), field));
  return [...new Set(values)].sort((a, b) => a - b);
}

/** `*`, `a` or `a-b`, each with a step or without. */
const RANGE = /^(?:[*]|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:[/](\d+))?$/;

function rangeOf(item: string, field: CronField): readonly number[] {
  const [matched, first, last, step] = RANGE.exec(item) ?? [];
  if (matched === undefined) throw unreadable(item, field);
  const stride = Number(step ?? 1);
  if (stride === 0) throw new CronError(`Cannot read "${item}" in field "${field.name}": the step is 0`);
  const from = first === undefined ? field.min : numberOf(first, field);
  // APScheduler, RangeExpression: `5/10` goes on to the end of the field, `5` alone does not.
  const isOpen = first === undefined || step !== undefined;
  const to = last === undefined ? (isOpen ? field.max : from) : numberOf(last, field);
  if (from > to) throw new CronError(`Cannot read "${item}" in field "${field.name}": it ends before it begins`);
  return series(from, to, stride);
}

function series(from: number, to: number, stride: number): readonly number[] {
  return Array.from({ length: Math.floor((to - from) / stride) + 1 }, (_, index) => from + index * stride);
}

function numberOf(text: string, field: CronField): number {
  const named = field.names?.indexOf(text) ?? -1;
  if (named >= 0) return field.min + named;
  if (!/^\d{1,4}$/.test(text)) throw unreadable(text, field);
  const value = Number(text);
  if (value < field.min || value > field.max) {
    throw new CronError(`Value ${value} is out of range in field "${field.name}": ${field.min} to ${field.max}`);
  }
  return value;
}

function unreadable(item: string, field: CronField): CronError {
  return new CronError(`Cannot read "${item}" in field "${field.name}"`);
}
