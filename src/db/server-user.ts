import { existsSync, readFileSync, statSync } from 'node:fs';
import { DatabaseRefusedError } from '../runtime/errors.ts';

/** Who runs the local Postgres. */
export type ServerUser = { readonly uid: number; readonly gid: number };

/**
 * Postgres refuses to run as root: then it runs as the owner of the cluster, else of the state directory, else as
 * `postgres` or `nobody`. Undefined: as ourselves.
 * @param folders the cluster's folder, then those above it; they need not exist
 */
export function findServerUser(folders: readonly string[]): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owners = folders.filter((folder) => existsSync(folder)).map((folder) => statSync(folder));
  const owner = owners.find(({ uid }) => uid !== 0);
  return owner === undefined ? unprivilegedUser() : { uid: owner.uid, gid: owner.gid };
}

function unprivilegedUser(): ServerUser {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find(([name]) => name === wanted) ?? [];
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new DatabaseRefusedError(
    'Cannot run a local Postgres as root: there is neither a user "postgres" nor "nobody"',
  );
}
