import type { Config } from '../../config/config.ts';
import type { DatabaseDeps } from '../../db/database.ts';
import { ensureManagedPostgres } from '../../db/managed-postgres.ts';
import { hasManagedPostgres, probeDatabase } from '../../db/probe-database.ts';
import { stateDirectory } from '../open-state.ts';
import { describeFreeze } from '../../node/freeze-store.ts';
import { type Finding, inspect } from './finding.ts';

/** Looks at the configured database, or at the state directory's own; makes and changes none. */
export async function checkDatabase(config: Config, deps: DatabaseDeps, signal: AbortSignal): Promise<Finding> {
  const stateDir = stateDirectory();
  if (config.databaseUrl === undefined && !hasManagedPostgres(stateDir)) {
    return { what: 'database', isGood: true, text: `none is configured: the daemon will make its own in ${stateDir}` };
  }
  const what = config.databaseUrl === undefined ? `database in ${stateDir}` : 'database';
  return await inspect({ what, advice: 'look at "dburi", and at the server' }, { ...deps, signal }, async (inner) => {
    const url = config.databaseUrl ?? (await ensureManagedPostgres({ stateDir }, deps, inner));
    const { server, installationId, migrationsToCome, freeze } = await probeDatabase(url, deps);
    const use = installationId === undefined ? 'not used yet' : `installation ${installationId}`;
    const news = migrationsToCome === 0 ? '' : `; the daemon will run ${migrationsToCome} migrations`;
    const brake =
      freeze === undefined ? '' : `. ${describeFreeze(freeze)}: to launch and delete again, run "nodepool thaw"`;
    return `Postgres ${server}, ${use}${news}${brake}`;
  });
}
