import type { Clock } from '../runtime/clock.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import type { Logger } from '../runtime/logger.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import { type GearmanServer, serverName } from './gearman-server.ts';
import { QueueStatusOfServer, type ServerQueueStatus } from './queue-status-of-server.ts';
import { Turnstile } from './turnstile.ts';

/** How long one pass waits for the answers. A server that is slower than this holds up one pass, not every pass. */
const PATIENCE_MS = 2_000;

export type QueueStatus = {
  /** In the order of the configuration. */
  readonly servers: readonly ServerQueueStatus[];
};

export type QueueStatusDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: TaskBoard;
};

/** Asks every configured server for its `status`: the raw form of demand. */
export class QueueStatusSource {
  readonly #deps: QueueStatusDeps;
  readonly #turns = new Turnstile();
  #servers: readonly QueueStatusOfServer[] = [];

  constructor(servers: readonly GearmanServer[], deps: QueueStatusDeps) {
    this.#deps = deps;
    this.setServers(servers);
  }

  /** For the next read; a server that stays keeps its connection and its last answer. */
  setServers(servers: readonly GearmanServer[]): void {
    const known = new Map(this.#servers.map((entry) => [entry.server, entry]));
    const unique = new Map(servers.map((server) => [serverName(server), server]));
    this.#servers = [...unique].map(([name, server]) => known.get(name) ?? new QueueStatusOfServer(server, this.#deps));
    for (const [name, entry] of known) if (!unique.has(name)) entry.close();
  }

  /**
   * What each server says now, or said last within 60 s, or `unknown`; never zero for a server that does not answer.
   * Waits at most 2 s; what comes later serves the next read.
   * @throws the signal's reason if it is aborted
   */
  async read(signal: AbortSignal): Promise<QueueStatus> {
    using _turn = await this.#turns.enter(signal); // joining the read under way would give answers from before this call
    const servers = this.#servers;
    const patience = new AbortController();
    using until = joinSignals(patience.signal, signal);
    const asked = Promise.all(servers.map((entry) => entry.ask()));
    try {
      await Promise.race([asked, this.#deps.clock.sleep(PATIENCE_MS, until.signal)]);
    } finally {
      patience.abort();
    }
    return { servers: servers.map((entry) => entry.view()) };
  }

  /** Ends all connections. */
  close(): void {
    this.setServers([]);
  }
}
