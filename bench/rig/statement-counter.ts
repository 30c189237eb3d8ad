import pg from 'pg';

/**
 * Counts the statements that this process sends, whoever sends them, until disposed; those that only tell other programs
 * of a change apart.
 */
export class StatementCounter implements Disposable {
  count = 0;
  notifications = 0;
  readonly #original = Object.getOwnPropertyDescriptor(pg.Client.prototype, 'query');

  constructor() {
    const original: unknown = this.#original?.value;
    if (typeof original !== 'function') throw new Error('The driver has no "query" to count');
    const onQuery = (sql: unknown): void => {
      if (textOf(sql).includes('pg_notify')) this.notifications += 1;
      else this.count += 1;
    };
    pg.Client.prototype.query = function counted(this: pg.Client, ...words: unknown[]): unknown {
      onQuery(words[0]);
      return Reflect.apply(original, this, words) as unknown;
    } as pg.Client['query']; // the driver's signature has many forms
  }

  [Symbol.dispose](): void {
    if (this.#original !== undefined) Object.defineProperty(pg.Client.prototype, 'query', this.#original);
  }
}

function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  if (typeof statement === 'object' && statement !== null && 'text' in statement) return String(statement.text);
  return '';
}
