/** Db: everything that is stored, in Postgres. */
import type { AllocationRoundStore } from '../allocation/round-store.ts';
import type { DibImageStore } from '../image/dib-image-store.ts';
import type { ImageDataStore } from '../image/image-data.ts';
import type { ImagePauseStore } from '../image/image-pause-store.ts';
import type { ImageStore } from '../image/image-store.ts';
import { type DaemonRole, type DaemonStore, leadableRoles } from '../node/daemon-store.ts';
import type { HistoryStore } from '../node/history-store.ts';
import type { IdStore } from '../node/id-store.ts';
import type { FreezeStore } from '../node/freeze-store.ts';
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
import { DaemonFence } from './daemon-fence.ts';
import { DaemonLife } from './daemon-life.ts';
import { DaemonRegister } from './daemon-register.ts';
import { LockSession } from './lock-session.ts';
import { migrate } from './migrate.ts';
import { findMigrationsFolder } from './migrations-folder.ts';
import { PgDaemonStore } from './pg-daemon-store.ts';
import { PgDibImageStore } from './pg-dib-image-store.ts';
import { PgHistoryStore } from './pg-history-store.ts';
import { PgIdStore } from './pg-id-store.ts';
import { PgImageDataStore } from './pg-image-data-store.ts';
import { PgImagePauseStore } from './pg-image-pause-store.ts';
import { PgImageStore } from './pg-image-store.ts';
import { PgNodeStore } from './pg-node-store.ts';
import { PgFreezeStore } from './pg-freeze-store.ts';
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
   * Connections for statements. One more listens, and one holds the daemon's lock: ten in all.
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

/** What a daemon says of itself when it registers. */
export type Enlistment = {
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly roles: readonly DaemonRole[];
};

/** A daemon among those that work on the database. */
export type Enlisted = {
  /** Its life, to be disposed of before the database is closed. */
  readonly life: DaemonLife;
  /** The database behind this daemon's fence: once others took it for dead, each change throws DaemonEndedError. */
  readonly database: Database;
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
  readonly dibImages: DibImageStore;
  readonly imagePauses: ImagePauseStore;
  readonly imageData: ImageDataStore;
  readonly history: HistoryStore;
  readonly rounds: AllocationRoundStore;
  readonly providerStatus: ProviderStatusStore;
  readonly farmFreeze: FreezeStore;
  readonly daemons: DaemonStore;
  readonly ids: IdStore;
  /** Makes the program a daemon, with a connection more that says so. Any number of times, one after the other. */
  enlist(daemon: Enlistment): Promise<Enlisted>;
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
    ...{ pool, clock, program, fence: undefined },
    onChanged: (table, ids) => {
      feed.emit(ids.length > 0 ? { table, ids } : { table });
      notifier.add(table, ids);
    },
  };
  const readyImages = (): ReturnType<typeof readReadyImages> => readReadyImages(pool);
  const close = async (): Promise<void> => {
    await feed.close();
    await notifier.flushed();
    await pool.close();
  };
  const database: Database = {
    ...{ installationId, readyImages, close },
    ...storesOf(deps),
    daemons: new PgDaemonStore(pool),
    ids: new PgIdStore(pool),
    enlist: async (daemon) => {
      const { life, fence } = await beginLife(daemon, { ...parts, notifier, feed });
      return { life, database: { ...database, ...storesOf({ ...deps, fence }) } };
    },
    onChange: (listener) => feed.onChange(listener),
    readAllocationState: async () => {
      const [counts, ready] = await Promise.all([database.nodes.count(), readyImages()]);
      return { nodes: counts, readyImages: ready };
    },
    [Symbol.asyncDispose]: close,
  };
  return database;
}

function storesOf(
  deps: StoreDeps,
): Pick<
  Database,
  | 'nodes'
  | 'images'
  | 'dibImages'
  | 'imagePauses'
  | 'imageData'
  | 'history'
  | 'rounds'
  | 'providerStatus'
  | 'farmFreeze'
> {
  return {
    nodes: new PgNodeStore(deps),
    images: new PgImageStore(deps),
    dibImages: new PgDibImageStore(deps),
    imagePauses: new PgImagePauseStore(deps),
    imageData: new PgImageDataStore(deps),
    history: new PgHistoryStore(deps),
    rounds: new PgRoundStore(deps),
    providerStatus: new PgProviderStatusStore(deps),
    farmFreeze: new PgFreezeStore(deps),
  };
}

async function beginLife(
  daemon: Enlistment,
  parts: Parts & { readonly notifier: ChangeNotifier; readonly feed: ChangeFeed },
): Promise<{ readonly life: DaemonLife; readonly fence: DaemonFence }> {
  const { pool, notifier, feed } = parts;
  const registration = { ...daemon, id: parts.randomness.uuid() };
  const session = new LockSession(parts);
  const fence = new DaemonFence(registration, pool);
  const life = await DaemonLife.begin(registration, leadableRoles(daemon.roles), {
    ...{ ...parts, fence, register: new DaemonRegister(registration.id, session) },
    connectedMs: () => session.connectedMs,
    closeSession: () => session.close(),
    tellOthers: () => {
      notifier.add('daemon', []);
    },
    onChange: (listener) =>
      feed.onChange(({ table }) => {
        listener(table);
      }),
  });
  return { life, fence };
}
