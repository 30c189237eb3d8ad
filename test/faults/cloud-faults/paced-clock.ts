import pg from 'pg';
import type { Clock } from '../../../src/runtime/clock.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';

/** Far shorter than any wait that matters, and long for a database that answers. */
const STEP_MS = 80;

/**
 * A clock that runs as fast as the machine can follow: it moves on by a step whenever Postgres has answered a query. With real
 * peers, minutes of waiting take seconds, and on a busy machine time itself goes slower. Dispose of it last.
 */
export class PacedClock implements Clock, AsyncDisposable {
  readonly #clock = new FakeClock();
  readonly #client: pg.Client;
  readonly #moving: Promise<void>;
  #isOver = false;

  private constructor(client: pg.Client) {
    this.#client = client;
    this.#moving = this.#move();
  }

  static async start(postgresHost: string): Promise<PacedClock> {
    const client = new pg.Client({ host: postgresHost, user: 'nodepool', database: 'postgres' });
    await client.connect();
    return new PacedClock(client);
  }

  now(): Date {
    return this.#clock.now();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#moving;
    await this.#client.end();
  }

  async #move(): Promise<void> {
    while (!this.#isOver) {
      await this.#client.query('select 1');
      await this.#clock.advance(STEP_MS);
    }
  }
}
