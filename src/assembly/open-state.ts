import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { type Database, type DatabaseDeps, openDatabase } from '../db/database.ts';
import { ensureManagedPostgres } from '../db/managed-postgres.ts';

/** Where the managed database lives: `$NODEPOOL_STATE_DIR`, else /var/lib/nodepool for root, else the account's own. */
export function stateDirectory(): string {
  const configured = process.env['NODEPOOL_STATE_DIR'];
  if (configured !== undefined && configured !== '') return configured;
  if (process.getuid?.() === 0) return '/var/lib/nodepool';
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'nodepool');
}

/**
 * Opens the configured database, else the managed one of the state directory, which is started where it is not running.
 * A configured database that is away is an error, never a reason for an empty local one.
 */
export async function openState(
  state: { readonly config: Config; readonly program: string },
  deps: DatabaseDeps,
  signal: AbortSignal,
): Promise<Database> {
  const { config, program } = state;
  const url = config.databaseUrl ?? (await ensureManagedPostgres({ stateDir: stateDirectory() }, deps, signal));
  return await openDatabase({ url, program }, deps, signal);
}
