import type { SqlValue } from './statement-pool.ts';

/** Which column holds a property. Every property has one. */
export type Columns<Row> = Readonly<Record<keyof Row & string, string>>;

/** Facts as a statement takes them: null empties the column, undefined leaves it. */
export type SqlFacts<Facts> = { readonly [Key in keyof Facts]?: SqlValue | undefined };

/** Collects the values of one statement; `add` gives the placeholder that stands for the value. */
export class SqlParameters {
  readonly values: SqlValue[];

  constructor(...values: readonly SqlValue[]) {
    this.values = [...values];
  }

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
  columns: Columns<Required<Facts>>,
  facts: SqlFacts<Facts>,
  parameters: SqlParameters,
): string {
  const values: Readonly<Partial<Record<string, SqlValue>>> = facts;
  return Object.entries<string>(columns)
    .map(([property, column]) => {
      const value = values[property];
      return value === undefined ? '' : `, ${column} = ${parameters.add(value)}`;
    })
    .join('');
}

/** `where a = $1 and b = any($2)` for the conditions that are given; empty without any. */
export function whereAll(conditions: readonly (string | undefined)[]): string {
  const given = conditions.filter((condition) => condition !== undefined);
  return given.length === 0 ? '' : `where ${given.join(' and ')}`;
}
