import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseRefusedError } from '../runtime/errors.ts';
import { makeFolders } from '../runtime/make-folders.ts';
import type { ServerUser } from './server-user.ts';
import { findServerUser } from './server-user.ts';

/** Where the local Postgres lives and who runs it. */
export type Cluster = {
  /** All of it, closed to other users. */
  readonly folder: string;
  readonly data: string;
  readonly log: string;
  readonly lock: string;
  /** Folder of its unix socket, the only way in. */
  readonly socketFolder: string;
  readonly socket: string;
  /** Absent: ourselves. */
  readonly user: ServerUser | undefined;
};

/** Linux: sun_path holds 107 bytes and a zero. */
const MAX_SOCKET_PATH = 107;

/** What may stand in a shell command and in Postgres' list of folders without quotes. */
const PLAIN_PATH = /^[\w/.+-]+$/;

/** The cluster of a state directory; nothing is made or checked. */
export function clusterOf(stateDir: string): Cluster {
  const real = existsSync(stateDir) ? realpathSync(stateDir) : stateDir;
  const folder = join(real, 'postgres');
  const socketFolder = socketFolderFor(folder);
  return {
    ...{ folder, socketFolder },
    data: join(folder, 'data'),
    log: join(folder, 'log'),
    lock: join(folder, 'lock'),
    socket: socketIn(socketFolder),
    user: findServerUser([folder, real]),
  };
}

/** Makes what is missing of the folders, owned by the server's user and closed to others. */
export function ensureClusterFolders(cluster: Cluster): void {
  try {
    makeFolders(dirname(cluster.folder));
    ensurePrivateFolder(cluster.folder, cluster.user);
    if (cluster.socketFolder !== cluster.folder) ensurePrivateFolder(cluster.socketFolder, cluster.user);
  } catch (error) {
    if (error instanceof DatabaseRefusedError) throw error;
    throw new DatabaseRefusedError(`Cannot make the folder "${cluster.folder}" of the local Postgres`, {
      cause: error,
    });
  }
}

/** Major version of the programs that made the cluster; undefined: there is none yet. */
export function clusterVersion(cluster: Cluster): string | undefined {
  const file = join(cluster.data, 'PG_VERSION');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

function socketFolderFor(folder: string): string {
  const fits = Buffer.byteLength(socketIn(folder)) <= MAX_SOCKET_PATH && PLAIN_PATH.test(folder);
  // Not os.tmpdir(): daemon and command line may have different ones.
  return fits ? folder : `/tmp/np-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
}

function socketIn(folder: string): string {
  return join(folder, '.s.PGSQL.5432');
}

/** A folder in /tmp may have been put there by someone who wants to be our database. */
function ensurePrivateFolder(folder: string, user: ServerUser | undefined): void {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  const found = lstatSync(folder);
  // Our own too: a program that died between making it and giving it away left it to us.
  const owners = [process.getuid?.(), user?.uid];
  if (!found.isDirectory() || !owners.includes(found.uid)) {
    throw new DatabaseRefusedError(
      `Cannot use the folder "${folder}" for the local Postgres: it belongs to another user`,
    );
  }
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o700);
}
