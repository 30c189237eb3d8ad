import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ConfigFault } from '../config/config-fault.ts';
import { ConfigError } from '../config/config-fault.ts';
import type { Config } from '../config/config.ts';
import { parseDatabaseUrl } from '../db/connection-settings.ts';
import { type Database, type DatabaseDeps, openDatabase } from '../db/database.ts';
import { ensureManagedPostgres } from '../db/managed-postgres.ts';
import { DatabaseRefusedError, describeError } from '../runtime/errors.ts';

/**
 * Where the managed database lives: `$NODEPOOL_STATE_DIR`, else /var/lib/nodepool for root, else the account's own. A
 * relative one is below the current folder.
 */
export function stateDirectory(): string {
  const configured = process.env['NODEPOOL_STATE_DIR'];
  if (configured !== undefined && configured !== '') return resolve(configured);
  if (process.getuid?.() === 0) return '/var/lib/nodepool';
  return resolve(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'nodepool');
}

/** What a program says of itself, and the configuration it has. */
export type State = {
  readonly config: Config;
  readonly program: string;
  /** Told before a new local database is made, with its folder. */
  readonly onMaking?: (folder: string) => void;
};

/**
 * Opens the configured database, else the managed one of the state directory, which is made and started where there is none.
 * A configured database that is away is an error, never a reason for an empty local one.
 * @throws {ConfigError} the configured one has no address that can be used
 */
export async function openState(state: State, deps: DatabaseDeps, signal: AbortSignal): Promise<Database> {
  const { config, program, ...options } = state;
  const fault = databaseFault(config);
  if (fault !== undefined) throw new ConfigError([fault]);
  const managed = { stateDir: stateDirectory(), ...options };
  const url = config.databaseUrl ?? (await ensureManagedPostgres(managed, deps, signal));
  return await openDatabase({ url, program }, deps, signal);
}

/** Why the configured database can never be opened; undefined: it may be, or there is none. */
export function databaseFault({ databaseUrl, places }: Config): ConfigFault | undefined {
  if (databaseUrl === undefined) return undefined;
  try {
    parseDatabaseUrl(databaseUrl);
    return undefined;
  } catch (error) {
    if (!(error instanceof DatabaseRefusedError)) throw error;
    const place = places?.databaseUrl ?? { file: 'dburi', line: 1, column: 1 };
    return { ...place, path: 'dburi', message: describeError(error) };
  }
}
