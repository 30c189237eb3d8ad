import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Migration = {
  /** The schema version that it leads to: 1, 2, 3, … */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
};

/** The folder `migrations/` of this package: it lies above `src/db/` as well as above `dist/` and its chunks. */
export function findMigrationsFolder(startUrl: string = import.meta.url): string {
  let folder = dirname(fileURLToPath(startUrl));
  while (!existsSync(join(folder, 'migrations', '0001-upstream-tables.sql'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('Cannot find the folder "migrations" beside "dist": install Nodepool anew');
    folder = parent;
  }
  return join(folder, 'migrations');
}

/** The version of this program's schema: how many migrations there are. */
export function latestVersion(folder: string): number {
  return listFiles(folder).length;
}

/**
 * All migrations in order, from files `0001-name.sql`.
 * @throws a number is missing or doubled
 */
export function readMigrations(folder: string): readonly Migration[] {
  return listFiles(folder).map((file, index) => {
    const version = index + 1;
    if (Number(file.slice(0, 4)) !== version) throw new Error(`Cannot find migration ${version} in "${folder}"`);
    return { version, name: file.replace(/\.sql$/, ''), sql: readFileSync(join(folder, file), 'utf8') };
  });
}

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.*\.sql$/.test(file))
    .sort();
}
