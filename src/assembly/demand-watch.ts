import { type Demand, demandFromStatus } from '../allocation/demand-from-status.ts';
import type { QueueStatusSource } from '../gearman/queue-status-source.ts';
import type { Wakeup } from '../runtime/wakeup.ts';

const BUSY_POLL_MS = 1000;
const IDLE_POLL_MS = 2000;

type QueueStatus = Pick<QueueStatusSource, 'read'>;

/** The demand of all Gearman servers, polled faster while jobs wait. */
export class DemandWatch {
  readonly #source: QueueStatus;
  readonly #changed: Wakeup;
  #demand: Demand = new Map();
  #isStale = true;

  /** @param changed woken when a poll finds another demand than the one before */
  constructor(source: QueueStatus, changed: Wakeup) {
    this.#source = source;
    this.#changed = changed;
  }

  /** Jobs ended: what the servers said last still counts them. */
  markStale(): void {
    this.#isStale = true;
  }

  /** The demand, asked anew if jobs ended since the last answer. */
  async current(signal: AbortSignal): Promise<Demand> {
    if (this.#isStale) await this.poll(signal);
    return this.#demand;
  }

  /** Asks all servers. One that does not answer keeps its last demand for a while, then is left out: never zero. */
  async poll(signal: AbortSignal): Promise<void> {
    this.#isStale = false; // before the question: a job that ends while it is under way makes the answer stale
    const status = await this.#read(signal);
    const demand = demandFromStatus(
      status.servers.flatMap(({ functions }) => (functions === undefined ? [] : [functions])),
    );
    const differs = !sameDemand(demand, this.#demand);
    this.#demand = demand;
    if (differs) this.#changed.wake();
  }

  async #read(signal: AbortSignal): ReturnType<QueueStatus['read']> {
    try {
      return await this.#source.read(signal);
    } catch (error) {
      this.#isStale = true;
      throw error;
    }
  }

  get pollMs(): number {
    return this.#demand.size > 0 ? BUSY_POLL_MS : IDLE_POLL_MS;
  }
}

function sameDemand(a: Demand, b: Demand): boolean {
  return a.size === b.size && [...a].every(([label, jobs]) => b.get(label) === jobs);
}
