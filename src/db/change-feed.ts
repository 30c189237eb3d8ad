import pg from 'pg';
import type { Backoff } from '../runtime/backoff.ts';
import { backoffMs } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { isAbort } from '../runtime/errors.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { Change } from './change-notifier.ts';
import { CHANNEL, parsePayload } from './change-notifier.ts';
import { classifyDatabaseFailure } from './classify-database-failure.ts';

export type ChangeFeedDeps = {
  readonly config: pg.ClientConfig;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
};

export type ChangeListener = (change: Change) => void;

/** Table of the hint that follows every (re)connection: notifications may have been missed, so read everything. */
export const REREAD = 'all';

const RECONNECT: Backoff = { firstMs: 100, maxMs: 10_000 };

/** How often the connection is tried, since one that was cut off silently looks like one on which nothing happens. */
const HEARTBEAT_MS = 30_000;

/**
 * Hints of what changed in the database: by this program at once, by others through LISTEN on a connection of its own,
 * which begins with the first listener. A hint only: nothing may depend on its coming.
 */
export class ChangeFeed {
  readonly #deps: ChangeFeedDeps;
  readonly #ownOrigin: string;
  readonly #listeners = new Set<ChangeListener>();
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(ownOrigin: string, deps: ChangeFeedDeps) {
    this.#ownOrigin = ownOrigin;
    this.#deps = deps;
  }

  /** Calls `listener` for every change until the returned function is called. It must not throw and should be quick. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    if (!this.#closing.signal.aborted) this.#running ??= this.#listen(this.#closing.signal);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Passes a change of this program on. */
  emit(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('The database is being closed'));
    await this.#running;
  }

  async #listen(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.#listenOnce(() => (failures = 0), signal);
      } catch (error) {
        if (!isAbort(error, signal)) this.#deps.log.debug('Lost the connection for notifications', { error });
      }
      await this.#deps.clock
        .sleep(backoffMs(failures + 1, RECONNECT, this.#deps.randomness), signal)
        .catch(() => undefined); // closing: the loop ends above
    }
  }

  /** Returns or throws when the connection is over. */
  async #listenOnce(onListening: () => void, signal: AbortSignal): Promise<void> {
    const client = new pg.Client(this.#deps.config);
    const ended = new AbortController();
    client.on('error', (error) => {
      ended.abort(classifyDatabaseFailure(error));
    });
    client.on('end', () => {
      ended.abort(new Error('The database ended the connection'));
    });
    client.on('notification', ({ payload = '' }) => {
      this.#receive(payload);
    });
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      onListening();
      this.emit({ table: REREAD });
      using until = joinSignals(ended.signal, signal);
      await this.#beat(client, until.signal);
    } catch (error) {
      signal.throwIfAborted(); // we close it: nothing was lost
      throw classifyDatabaseFailure(error);
    } finally {
      await client.end().catch(() => undefined); // lost already
    }
  }

  /** Tries the connection from time to time. Never returns. */
  async #beat(client: pg.Client, signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#deps.clock.sleep(HEARTBEAT_MS, signal);
      await client.query('select 1');
    }
  }

  #receive(payload: string): void {
    const parsed = parsePayload(payload);
    if (parsed !== undefined && parsed.origin !== this.#ownOrigin) this.emit(parsed.change);
  }
}
