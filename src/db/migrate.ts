import pg from 'pg';
import { asError, DatabaseRefusedError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { classifyDatabaseFailure, codeOf } from './classify-database-failure.ts';
import { latestVersion, readMigrations } from './migrations-folder.ts';
import type { StatementPool } from './statement-pool.ts';

/** The one row of table `installation`. */
export type Installation = {
  /** UUID made with the database: marks what we create in clouds as ours. */
  readonly installationId: string;
  readonly schemaVersion: number;
  /** The least version that a program must know. */
  readonly oldestProgram: number;
};

export type MigrateDeps = {
  readonly pool: StatementPool;
  /** For the one connection that migrates: the pool's have too short a deadline for a large table. */
  readonly config: pg.ClientConfig;
  readonly randomness: Randomness;
  readonly log: Logger;
};

/** Longest time for one migration, and for the wait until another program is done with it. */
const TIMEOUT_MS = 600_000;

/** Two numbers that no other program's advisory lock has in this database: "node", "pool". */
const LOCK_SQL = 'select pg_advisory_xact_lock(1852793957, 1886351212)';

// The one table that no migration makes: it says which of them were done.
const INSTALLATION_SQL = `
  create table if not exists installation (
    only_row boolean primary key default true,
    installation_id uuid not null,
    schema_version integer not null,
    import_high_water integer,
    constraint installation_only_row check (only_row)
  )`;
// Read as JSON, for the column came with version 4: before it, each version was for its own programs only.
const SELECT_SQL = `
  select installation_id as "installationId", schema_version as "schemaVersion",
    coalesce((to_jsonb(installation) ->> 'oldest_program')::integer, schema_version) as "oldestProgram"
  from installation`;
const INSERT_SQL = 'insert into installation (installation_id, schema_version) values ($1, 0) on conflict do nothing';
const UPDATE_SQL = 'update installation set schema_version = $1';

const UNDEFINED_TABLE = '42P01';

/**
 * Brings the database to this program's schema and tells which installation it is. A database that is up to date costs
 * one read. Of two programs that start at once one migrates and the other waits; an interrupted migration leaves nothing.
 * @throws {DatabaseRefusedError} the database is newer than this program, or we may not change it
 */
export async function migrate(folder: string, deps: MigrateDeps): Promise<Installation> {
  const latest = latestVersion(folder);
  const found = await findInstallation(deps.pool);
  if (found !== undefined) refuseNewer(found, latest);
  if (found !== undefined && found.schemaVersion >= latest) return found;
  const client = new pg.Client({ ...deps.config, statement_timeout: TIMEOUT_MS, query_timeout: TIMEOUT_MS });
  client.on('error', () => undefined); // the statement under way reports it
  try {
    await client.connect();
    await client.query('begin');
    const installation = await migrateIn(client, folder, deps);
    await client.query('commit');
    return installation;
  } catch (error) {
    throw classifyDatabaseFailure(error);
  } finally {
    await client.end().catch(() => undefined); // ends the transaction too; the connection may be lost already
  }
}

/** Within one transaction: the lock, all migrations that are missing, and the version row. */
async function migrateIn(client: pg.Client, folder: string, deps: MigrateDeps): Promise<Installation> {
  await client.query(LOCK_SQL);
  await client.query(INSTALLATION_SQL);
  await client.query(INSERT_SQL, [deps.randomness.uuid()]);
  const migrations = readMigrations(folder);
  const { rows } = await client.query<Installation>(SELECT_SQL);
  const [found] = rows;
  if (found === undefined) throw new Error('Table "installation" has no row');
  refuseNewer(found, migrations.length);
  for (const { version, name, sql } of migrations.slice(found.schemaVersion)) {
    await client.query(sql).catch((error: unknown) => {
      throw classifyDatabaseFailure(error, `Migration "${name}" failed`);
    });
    await client.query(UPDATE_SQL, [version]);
    deps.log.info(`Migrated the database: ${name}`);
  }
  return { ...found, schemaVersion: Math.max(found.schemaVersion, migrations.length) };
}

/** The installation that the database is of; undefined: none yet. */
export async function findInstallation(pool: StatementPool): Promise<Installation | undefined> {
  try {
    return await pool.row<Installation>(SELECT_SQL);
  } catch (error) {
    if (codeOf(asError(error).cause) === UNDEFINED_TABLE) return undefined; // a new database, or upstream's
    throw error;
  }
}

/** A schema that newer programs added to is no hindrance: farms are upgraded daemon by daemon. */
function refuseNewer(installation: Installation, latest: number): void {
  if (installation.oldestProgram <= latest) return;
  throw new DatabaseRefusedError(
    `Cannot use the database: its schema ${installation.schemaVersion} is newer than this program's ${latest}, so upgrade this program`,
  );
}
