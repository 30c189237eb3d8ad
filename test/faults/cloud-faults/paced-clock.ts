import pg from 'pg';
import type { Clock } from '../../../src/runtime/clock.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';

/** Far shorter than any wait that matters, and long for a database that answers. */
const STEP_MS = 80;
/** Where the machine is busy, a new connection takes far longer than a query, and the daemon opens some: every so many steps wait for one. */
const STEPS_TO_CONNECTION = 8;

/**
 * A clock that runs as fast as the machine can follow: it moves on by a step whenever Postgres has answered a query, now and
 * then one on a new connection. With real peers, minutes of waiting take seconds, and on a busy machine time itself goes
 * slower. Dispose of it last.
 */
export class PacedClock implements Clock, AsyncDisposable {
  readonly #clock = new FakeClock();
  readonly #host: string;
  readonly #client: pg.Client;
  readonly #moving: Promise<void>;
  #isOver = false;

  private constructor(host: string, client: pg.Client) {
    this.#host = host;
    this.#client = client;
    this.#moving = this.#move();
  }

  static async start(postgresHost: string): Promise<PacedClock> {
    return new PacedClock(postgresHost, await connect(postgresHost));
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
    for (let step = 0; !this.#isOver; step += 1) {
      if (step % STEPS_TO_CONNECTION === 0) await this.#queryAnew();
      else await this.#client.query('select 1');
      await this.#clock.advance(STEP_MS);
    }
  }

  async #queryAnew(): Promise<void> {
    const client = await connect(this.#host);
    await client.query('select 1');
    await client.end();
  }
}

async function connect(host: string): Promise<pg.Client> {
  const client = new pg.Client({ host, user: 'nodepool', database: 'postgres' });
  await client.connect();
  return client;
}
