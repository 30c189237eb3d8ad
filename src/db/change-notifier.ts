import type { Logger } from '../runtime/logger.ts';
import type { StatementPool } from './statement-pool.ts';
import type { ChangedTable } from './store-deps.ts';

/** The channel of all our notifications. */
export const CHANNEL = 'nodepool_change';

/** A notification ends below 8000 bytes; beyond so many ids the reader had better read the table. */
const MAX_IDS = 500;

const NOTIFY_SQL = `select pg_notify('${CHANNEL}', payload) from unnest($1::text[]) as payload`;

/**
 * Tells other programs what this one changed: one statement at a time; what changes meanwhile goes with the next.
 * Not within the changes' own statements: a commit with a notification takes a lock over the whole server until it is on
 * disk, so changes could no longer be committed side by side. A notification may be lost: it is a hint.
 */
export class ChangeNotifier {
  /** Marks our own notifications. */
  readonly origin: string;
  readonly #pool: StatementPool;
  readonly #log: Logger;
  readonly #changed = new Map<ChangedTable, Set<number>>();
  #sending: Promise<void> | undefined;

  constructor(origin: string, pool: StatementPool, log: Logger) {
    this.origin = origin;
    this.#pool = pool;
    this.#log = log;
  }

  add(table: ChangedTable, ids: readonly number[]): void {
    const known = this.#changed.get(table) ?? new Set();
    this.#changed.set(table, known);
    for (const id of ids) known.add(id);
    this.#sending ??= this.#send();
  }

  /** Resolves when all is told that was added. */
  async flushed(): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    while (this.#changed.size > 0) {
      const payloads = [...this.#changed].map(([table, ids]) => toPayload(this.origin, table, ids));
      this.#changed.clear();
      await this.#pool.rows(NOTIFY_SQL, [payloads]).catch((error: unknown) => {
        this.#log.debug('Cannot notify other programs of a change; they look by themselves', { error });
      });
    }
    this.#sending = undefined;
  }
}

/** What changed: `ids` absent means any row of the table. */
export type Change = {
  readonly table: string;
  readonly ids?: readonly number[];
};

/** `ORIGIN TABLE [ID,ID,…]` */
export function toPayload(origin: string, table: string, ids: ReadonlySet<number>): string {
  const listed = ids.size <= MAX_IDS ? [...ids].join(',') : '';
  return `${origin} ${table} ${listed}`.trimEnd();
}

/** Undefined: not ours. */
export function parsePayload(payload: string): { readonly origin: string; readonly change: Change } | undefined {
  const match = /^(?<origin>\w+) (?<table>\w+)(?: (?<ids>\d+(?:,\d+)*))?$/.exec(payload);
  if (match?.groups === undefined) return undefined;
  const { origin = '', table = '', ids } = match.groups;
  return { origin, change: ids === undefined ? { table } : { table, ids: ids.split(',').map(Number) } };
}
