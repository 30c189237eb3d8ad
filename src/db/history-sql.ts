import type { Cause } from '../node/cause.ts';
import type { HistoryEntry } from '../node/history-store.ts';
import type { SqlParameters } from './sql-text.ts';

/** What a statement adds to the history for each row that it changes. */
export type Noted = {
  readonly at: Date;
  readonly subject: HistoryEntry['subject'];
  readonly event: string;
  readonly cause: Cause;
  /** SQL over the changed row; absent: nothing. */
  readonly from?: string;
  readonly to?: string;
  /** Array of the names that the row's outside objects have. */
  readonly names?: string;
};

/**
 * The head of a statement that changes rows and adds a history entry for each; its end selects from `changed`. One
 * statement is one transaction and one round trip: there is no change without its entry.
 * @param change an `insert`, `update` or `delete` with `returning *`
 */
export function changeWithHistory(change: string, noted: Noted, parameters: SqlParameters): string {
  const entry = [
    `${parameters.add(noted.at)}::timestamptz`,
    `'${noted.subject}'`,
    'id',
    `${parameters.add(noted.event)}::text`,
    `${noted.from ?? 'null'}::text`,
    `${noted.to ?? 'null'}::text`,
    `${parameters.add(noted.cause.why)}::text`,
    `${parameters.add(noted.cause.who)}::text`,
    `${noted.names ?? 'null'}::text[]`,
  ];
  return `with changed as (${change}), noted as (
    insert into history (at, subject, subject_id, event, from_state, to_state, why, who, names)
    select ${entry.join(', ')} from changed order by id)`;
}

/** SQL that turns the number in column `state` into its word. */
export function stateWordSql(numbers: Readonly<Record<string, number>>): string {
  const cases = Object.entries(numbers).map(([word, number]) => `when ${number} then '${word}'`);
  return `(case state ${cases.join(' ')} end)`;
}

/** `Stored step "wait-ssh", ip "192.0.2.7"`: why a fact was recorded. */
export function describeFacts(facts: object): string {
  const parts = Object.entries(facts).map(([property, value]) => `${property} ${JSON.stringify(value)}`);
  return `Stored ${parts.join(', ')}`.slice(0, 500);
}
