import type { Clock } from '../runtime/clock.ts';
import type { StatementPool } from './statement-pool.ts';

/** Tables whose changes are told to those who listen. */
export type ChangedTable = 'node' | 'snapshot_image' | 'provider_status';

/** What every store works with. */
export type StoreDeps = {
  readonly pool: StatementPool;
  readonly clock: Clock;
  /** Who stores facts, for the history: `nodepoold`, `cli:root`. */
  readonly program: string;
  /** Called after rows changed; `ids` empty: which ones is not told. */
  readonly onChanged: (table: ChangedTable, ids: readonly number[]) => void;
};
