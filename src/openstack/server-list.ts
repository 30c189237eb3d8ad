import type { Server } from '../provider/cloud-provider.ts';
import type { Clock } from '../runtime/clock.ts';
import { Wakeup } from '../runtime/wakeup.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';

const FASTEST_MS = 300;
const SLOWEST_MS = 5_000;
const SLOWER_BY = 1.6;

export type ServerListDeps = {
  readonly clock: Clock;
  /** Reads the whole list. Its pace and its deadline are its own. */
  readonly read: (signal: AbortSignal) => Promise<readonly Server[]>;
  /** Longest time between polls while nothing changes. Default 5 s. */
  readonly slowestMs?: number;
};

/**
 * One list of servers for all who wait for something. Polls only while somebody waits: 0.3 s apart while the list
 * changes, then slower by and by, and never so fast that the cloud spends more than half of the time on it.
 */
export class ServerLists {
  readonly #deps: ServerListDeps;
  readonly #closing: AbortSignal;
  readonly #wakeup: Wakeup;
  /** The poll whose request has not begun: who comes now may share it. */
  #upcoming: Promise<readonly Server[]> | undefined;
  /** Ends when the request under way ends, whatever its outcome. */
  #running: Promise<unknown> = Promise.resolve();
  #intervalMs = FASTEST_MS;
  #lastStartMs = -Infinity;
  #lastTookMs = 0;
  #lastSeen = '';
  #atOnce = false;

  /** @param closing ends the polls */
  constructor(deps: ServerListDeps, closing: AbortSignal) {
    this.#deps = deps;
    this.#closing = closing;
    this.#wakeup = new Wakeup(deps.clock);
  }

  /** The list of the next poll. Its request begins after this call. */
  async next(signal: AbortSignal): Promise<readonly Server[]> {
    this.#upcoming ??= this.#poll();
    return await unlessAborted(this.#upcoming, signal);
  }

  /** The same, but the poll begins as soon as the one under way has ended. */
  async now(signal: AbortSignal): Promise<readonly Server[]> {
    this.#atOnce = true;
    this.#wakeup.wake();
    return await this.next(signal);
  }

  /** Tells that something is about to change: a create or delete was sent. */
  expectChange(): void {
    this.#intervalMs = FASTEST_MS;
    this.#wakeup.wake();
  }

  #poll(): Promise<readonly Server[]> {
    const poll = this.#pollWhenDue();
    poll.catch(() => undefined); // nobody may be waiting any more
    return poll;
  }

  async #pollWhenDue(): Promise<readonly Server[]> {
    try {
      await this.#running;
      await this.#untilDue();
    } finally {
      this.#upcoming = undefined; // who comes from here on needs a later request
      this.#atOnce = false;
    }
    const reading = this.#read();
    this.#running = reading.catch(() => undefined); // its waiters hear of it
    return await reading;
  }

  async #untilDue(): Promise<void> {
    for (;;) {
      const gapMs = Math.max(this.#intervalMs, 2 * this.#lastTookMs);
      const waitMs = this.#atOnce ? 0 : this.#lastStartMs + gapMs - this.#deps.clock.monotonicMs();
      if (waitMs <= 0) return;
      await this.#wakeup.wait(waitMs, this.#closing);
    }
  }

  async #read(): Promise<readonly Server[]> {
    const { clock } = this.#deps;
    this.#lastStartMs = clock.monotonicMs();
    try {
      const servers = await this.#deps.read(this.#closing);
      this.#adapt(servers);
      return servers;
    } finally {
      this.#lastTookMs = clock.monotonicMs() - this.#lastStartMs;
    }
  }

  #adapt(servers: readonly Server[]): void {
    const seen = servers.map(fingerprint).sort().join('\n');
    const slowestMs = Math.max(FASTEST_MS, this.#deps.slowestMs ?? SLOWEST_MS);
    this.#intervalMs = seen === this.#lastSeen ? Math.min(slowestMs, this.#intervalMs * SLOWER_BY) : FASTEST_MS;
    this.#lastSeen = seen;
  }
}

function fingerprint(server: Server): string {
  return [server.id, server.status, server.taskState ?? '', ...server.addresses.map(({ ip }) => ip)].join(' ');
}
