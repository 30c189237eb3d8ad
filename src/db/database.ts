/** Db: everything that is stored, in Postgres. */
import type { AllocationRoundStore } from '../allocation/round-store.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { HistoryStore } from '../node/history-store.ts';
import type { NodeCount, NodeStore } from '../node/node-store.ts';
import type { ProviderStatusStore } from '../provider/provider-status.ts';
import type { Clock } from '../runtime/clock.ts';
import { withDeadline } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { Secret } from '../runtime/secret.ts';
import type { ChangeListener } from './change-feed.ts';
import { ChangeFeed } from './change-feed.ts';
import { ChangeNotifier } from './change-notifier.ts';
import { parseDatabaseUrl } from './connection-settings.ts';
import { migrate } from './migrate.ts';
import { findMigrationsFolder } from './migrations-folder.ts';
import { PgHistoryStore } from './pg-history-store.ts';
import { PgImageStore } from './pg-image-store.ts';
import { PgNodeStore } from './pg-node-store.ts';
import { PgProviderStatusStore } from './pg-provider-status-store.ts';
import { PgRoundStore } from './pg-round-store.ts';
import { readReadyImages } from './ready-images.ts';
import { clientConfig, StatementPool } from './statement-pool.ts';
import type { StoreDeps } from './store-deps.ts';

export type DatabaseOptions = {
  /** A Postgres URL; SQLAlchemy's spellings are understood. */
  readonly url: Secret;
  /** Who works with it: `nodepoold`, `cli:USER`. Shown in the history and in pg_stat_activity. */
  readonly program: string;
  /**
   * Connections for statements. One more listens, and one is left for a lock: ten in all.
   * @default 8
   */
  readonly poolSize?: number;
  /** @default 30_000 */
  readonly statementTimeoutMs?: number;
  /** @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** @default the package's own */
  readonly migrationsFolder?: string;
};

export type DatabaseDeps = { readonly clock: Clock; readonly randomness: Randomness; readonly log: Logger };

/** What one allocation pass needs of the tables. */
export type AllocationState = {
  readonly nodes: readonly NodeCount[];
  /** Names of the images that a provider has ready; a provider without any is absent. */
  readonly readyImages: ReadonlyMap<string, ReadonlySet<string>>;
};

/**
 * An open database. Every call may throw DatabaseUnavailableError; the next one finds the database again by itself once
 * it is back.
 */
export interface Database extends AsyncDisposable {
  /** UUID made with the database: marks what we create in clouds as ours. */
  readonly installationId: string;
  readonly nodes: NodeStore;
  readonly images: ImageStore;
  readonly history: HistoryStore;
  readonly rounds: AllocationRoundStore;
  readonly providerStatus: ProviderStatusStore;
  /** Calls `listener` whenever something may have changed, here or in another program; gives the function that ends it. */
  onChange(listener: ChangeListener): () => void;
  readyImages(): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
  /** In two statements. */
  readAllocationState(): Promise<AllocationState>;
  /** Tells other programs the last changes and closes all connections. */
  close(): Promise<void>;
}

/**
 * Connects, migrates where needed and gives the stores.
 * @throws {DatabaseRefusedError} no Postgres URL, wrong password, missing rights, a schema newer than this program
 * @throws {DatabaseUnavailableError} the database is away
 * @throws {DeadlineExceededError} it does not answer
 */
export async function openDatabase(
  options: DatabaseOptions,
  deps: DatabaseDeps,
  signal: AbortSignal,
): Promise<Database> {
  const { program, poolSize = 8, statementTimeoutMs = 30_000, connectTimeoutMs = 10_000 } = options;
  const folder = options.migrationsFolder ?? findMigrationsFolder();
  const pooling = { program, size: poolSize, statementTimeoutMs, connectTimeoutMs };
  const settings = parseDatabaseUrl(options.url);
  const config = clientConfig(settings, pooling);
  const log = deps.log.child('db');
  const pool = new StatementPool(settings, pooling, log);
  try {
    const deadline = { what: 'the database to be ready', ms: MIGRATION_MS + connectTimeoutMs };
    const { installationId } = await withDeadline(deadline, { ...deps, signal }, () =>
      migrate(folder, { ...deps, pool, config, log }),
    );
    return assemble(installationId, { pool, program, config, ...deps, log });
  } catch (error) {
    void pool.close(); // not awaited: a connection that is just being made ends with its own deadline
    throw error;
  }
}

/** A large table may take long to change, and another program may be at it. */
const MIGRATION_MS = 600_000;

type Parts = DatabaseDeps & Pick<StoreDeps, 'pool' | 'program'> & { readonly config: ReturnType<typeof clientConfig> };

function assemble(installationId: string, parts: Parts): Database {
  const { pool, clock, program } = parts;
  const notifier = new ChangeNotifier(parts.randomness.hex(8), pool, parts.log);
  const feed = new ChangeFeed(notifier.origin, parts);
  const deps: StoreDeps = {
    ...{ pool, clock, program },
    onChanged: (table, ids) => {
      feed.emit(ids.length > 0 ? { table, ids } : { table });
      notifier.add(table, ids);
    },
  };
  const nodes = new PgNodeStore(deps);
  const readyImages = (): ReturnType<typeof readReadyImages> => readReadyImages(pool);
  const close = async (): Promise<void> => {
    await feed.close();
    await notifier.flushed();
    await pool.close();
  };
  return {
    ...{ installationId, nodes, readyImages, close },
    images: new PgImageStore(deps),
    history: new PgHistoryStore(deps),
    rounds: new PgRoundStore(deps),
    providerStatus: new PgProviderStatusStore(deps),
    onChange: (listener) => feed.onChange(listener),
    readAllocationState: async () => {
      const [counts, ready] = await Promise.all([nodes.count(), readyImages()]);
      return { nodes: counts, readyImages: ready };
    },
    [Symbol.asyncDispose]: close,
  };
}
