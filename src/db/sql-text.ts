import type { Cause } from '../node/cause.ts';
import type { HistoryEntry } from '../node/history-store.ts';
import type { SqlValue } from './statement-pool.ts';

/** Which column holds a property. Every property must have one. */
export type Columns<Row> = Readonly<Record<keyof Row & string, string>>;

/** A row as the driver gives it: what is absent is null. */
export type NullableRow<Row> = { readonly [Key in keyof Row]-?: Exclude<Row[Key], undefined> | null };

/** Collects the values of one statement; `add` gives the placeholder that stands for the value. */
export class SqlParameters {
  readonly values: SqlValue[] = [];

  add(value: SqlValue): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** `provider_name as "provider", …`: rows arrive under our names. */
export function selectList(columns: Readonly<Record<string, string>>): string {
  return Object.entries(columns)
    .map(([property, column]) => `${column} as "${property}"`)
    .join(', ');
}

/** `, ip = $3, az = $4` for the facts that are given. Column names come from `columns` alone. */
export function assignments<Facts extends object>(
  columns: Columns<Facts>,
  facts: { readonly [Key in keyof Facts]?: SqlValue | undefined },
  parameters: SqlParameters,
): string {
  let sql = '';
  for (const property in columns) {
    const value = facts[property];
    if (value !== undefined) sql += `, ${columns[property]} = ${parameters.add(value)}`;
  }
  return sql;
}

/** ` where a = $1 and b = any($2)` for the conditions that are given; empty without any. */
export function whereAll(conditions: readonly (string | undefined)[]): string {
  const given = conditions.filter((condition) => condition !== undefined);
  return given.length === 0 ? '' : ` where ${given.join(' and ')}`;
}

/** The row without its nulls: absent properties are absent, not null. */
export function withoutNulls<Row extends object>(row: NullableRow<Row>): Row {
  const entries = Object.entries(row).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as Row; // columns of required properties are `not null`
}

/** What a statement adds to the history for each row that it changed. */
export type Noted = {
  readonly at: Date;
  readonly subject: HistoryEntry['subject'];
  readonly event: string;
  readonly cause: Cause;
  /** SQL expressions over the changed row. */
  readonly from?: string;
  readonly to?: string;
};

/**
 * One statement that changes rows, adds a history entry for each of them and gives `select` of them. One statement is
 * one transaction and one round trip: there is no change without its entry.
 * @param change an `insert`, `update` or `delete` with `returning *`
 */
export function changeWithHistory(change: string, noted: Noted, parameters: SqlParameters): string {
  const { at, subject, event, cause, from = 'null', to = 'null' } = noted;
  const entry = [
    `${parameters.add(at)}::timestamptz`,
    `'${subject}'`,
    'id',
    `${parameters.add(event)}::text`,
    `${from}::text`,
    `${to}::text`,
    `${parameters.add(cause.why)}::text`,
    `${parameters.add(cause.who)}::text`,
  ];
  return `with changed as (${change}), noted as (
    insert into history (at, subject, subject_id, event, from_state, to_state, why, who)
    select ${entry.join(', ')} from changed order by id)`;
}

/** SQL that turns the number in column `state` into its word. */
export function stateWordSql(numbers: Readonly<Record<string, number>>): string {
  const cases = Object.entries(numbers).map(([word, number]) => `when ${number} then '${word}'`);
  return `(case state ${cases.join(' ')} end)`;
}

/** `Stored step "wait-ssh", ip "192.0.2.7"`: what `record` tells the history. */
export function describeFacts(facts: object): string {
  const parts = Object.entries(facts).map(([property, value]) => `${property} ${JSON.stringify(value)}`);
  return `Stored ${parts.join(', ')}`.slice(0, 500);
}
