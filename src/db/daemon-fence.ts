import { DaemonEndedError } from '../runtime/errors.ts';
import type { SqlParameters } from './sql-text.ts';
import type { StatementPool } from './statement-pool.ts';

const ENDED_SQL = `
  select coalesce(max(ended_why), 'it is not registered') as "why" from daemon
  where id = $1 having count(*) filter (where ended_at is null) = 0`;

/**
 * Keeps a daemon that was taken for dead from writing: each of its statements asks, itself, whether the daemon's row is
 * alive. One that changes nothing asks why; the answer "ended" ends this life of the daemon.
 */
export class DaemonFence {
  readonly daemonId: string;
  /** Whether it deletes nodes: it then keeps those that it marks for deletion. */
  readonly deletes: boolean;
  readonly #pool: StatementPool;
  readonly #ended = new AbortController();

  constructor(daemon: { readonly id: string; readonly roles: readonly string[] }, pool: StatementPool) {
    this.daemonId = daemon.id;
    this.deletes = daemon.roles.includes('deletes');
    this.#pool = pool;
  }

  /** Aborted with a DaemonEndedError once the daemon is known to be ended. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  end(why: string): void {
    this.#ended.abort(new DaemonEndedError(why));
  }

  /** Condition of a statement that compares and sets: of two that race for a row one wins anyway. */
  alive(parameters: SqlParameters): string {
    return `exists (select from daemon where id = ${parameters.add(this.daemonId)} and ended_at is null)`;
  }

  /**
   * The same for a statement that does not compare: it holds the daemon's row, so that the daemon is not declared dead
   * between this look and the commit. Rare statements only, for beats wait for it.
   */
  held(parameters: SqlParameters): string {
    const id = parameters.add(this.daemonId);
    return `exists (with held as materialized (select from daemon where id = ${id} and ended_at is null for share)
      select from held)`;
  }

  /** @throws {DaemonEndedError} the daemon was ended: that is why a statement changed nothing */
  async check(): Promise<void> {
    const found = await this.#pool.row<{ readonly why: string }>(ENDED_SQL, [this.daemonId]);
    if (found !== undefined) this.end(found.why);
    this.#ended.signal.throwIfAborted();
  }
}

/** `and …` for the fence of a statement; empty for programs that are no daemons. */
export function andAlive(fence: DaemonFence | undefined, parameters: SqlParameters): string {
  return fence === undefined ? '' : ` and ${fence.alive(parameters)}`;
}

/** As `andAlive`, for statements that do not compare and set. */
export function andHeld(fence: DaemonFence | undefined, parameters: SqlParameters): string {
  return fence === undefined ? '' : ` and ${fence.held(parameters)}`;
}
