import type { Freeze } from '../node/freeze-store.ts';
import type { Secret } from '../runtime/secret.ts';
import { clusterOf, clusterVersion } from './cluster-folder.ts';
import { parseDatabaseUrl } from './connection-settings.ts';
import type { DatabaseDeps } from './database.ts';
import { findInstallation } from './migrate.ts';
import { findMigrationsFolder, latestVersion } from './migrations-folder.ts';
import { FIND_FREEZE_SQL } from './pg-freeze-store.ts';
import { StatementPool } from './statement-pool.ts';

const PATIENCE_MS = 10_000;

/** What a look at a database shows. */
export type DatabaseProbe = {
  /** Version of the server. */
  readonly server: string;
  /** Undefined: no Nodepool of ours has used it yet. */
  readonly installationId: string | undefined;
  /** Migrations that the first program to open it will run. */
  readonly migrationsToCome: number;
  /** An operator's brake. */
  readonly freeze: Freeze | undefined;
};

/**
 * Looks at a database and changes nothing in it.
 * @throws {DatabaseRefusedError} no Postgres URL, wrong password
 * @throws {DatabaseUnavailableError} it is away
 */
export async function probeDatabase(url: Secret, deps: Pick<DatabaseDeps, 'log'>): Promise<DatabaseProbe> {
  const options = {
    program: 'nodepoold --check',
    size: 1,
    statementTimeoutMs: PATIENCE_MS,
    connectTimeoutMs: PATIENCE_MS,
  };
  const pool = new StatementPool(parseDatabaseUrl(url), options, deps.log.child('db'));
  try {
    const version = await pool.row<{ server_version: string }>('show server_version');
    const found = await findInstallation(pool);
    const table = await pool.row<{ name: string | null }>(`select to_regclass('"freeze"') as name`);
    return {
      server: version?.server_version ?? '',
      installationId: found?.installationId,
      migrationsToCome: Math.max(0, latestVersion(findMigrationsFolder()) - (found?.schemaVersion ?? 0)),
      freeze: table?.name === null ? undefined : await pool.row<Freeze>(FIND_FREEZE_SQL),
    };
  } finally {
    await pool.close();
  }
}

/** Whether the state directory has a database of its own already. */
export function hasManagedPostgres(stateDir: string): boolean {
  return clusterVersion(clusterOf(stateDir)) !== undefined;
}
