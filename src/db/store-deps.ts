import type { Clock } from '../runtime/clock.ts';
import type { DaemonFence } from './daemon-fence.ts';
import type { SqlParameters } from './sql-text.ts';
import type { StatementPool } from './statement-pool.ts';

/** Tables whose changes are told to those who listen. */
export type ChangedTable =
  'node' | 'snapshot_image' | 'dib_image' | 'image_pause' | 'provider_status' | 'daemon' | 'freeze';

/** What every store works with. */
export type StoreDeps = {
  readonly pool: StatementPool;
  readonly clock: Clock;
  /** Who stores facts, for the history: `nodepoold`, `cli:root`. */
  readonly program: string;
  /** Undefined: the program is no daemon, and nobody takes its work over. */
  readonly fence: DaemonFence | undefined;
  /** Called after rows changed; `ids` empty: which ones is not told. */
  readonly onChanged: (table: ChangedTable, ids: readonly number[]) => void;
};

/**
 * Runs a statement behind the fence that gives a row for each one that it changed.
 * @throws {DaemonEndedError} it changed nothing because this daemon was taken for dead
 */
export async function writeBehindFence(
  { pool, fence }: Pick<StoreDeps, 'pool' | 'fence'>,
  sql: string,
  parameters: SqlParameters,
): Promise<void> {
  const changed = await pool.rows(sql, parameters.values);
  if (changed.length === 0) await fence?.check();
}
