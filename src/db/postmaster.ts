import { readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Cluster } from './cluster-folder.ts';

/** How the server stands, from its pid file: `ready` is the only state in which it answers. */
export type PostmasterState = 'absent' | 'starting' | 'ready' | 'stopping';

/** Line of `postmaster.pid` with the state (Postgres: LOCK_FILE_LINE_PM_STATUS). */
const STATUS_LINE = 7;

/** A process id that cannot exist (Linux: at most 2^22), for a lock file whose owner is gone. */
const NO_PID = 2 ** 30;

/** Looks at the pid file and at the process that it names: after a crash the number may be another program's. */
export function postmasterState(cluster: Cluster): PostmasterState {
  const lines = readLines(join(cluster.data, 'postmaster.pid'));
  if (lines === undefined || !isPostmaster(Number(lines[0]), cluster)) return 'absent';
  const status = lines[STATUS_LINE]?.trim();
  if (status === 'ready') return 'ready';
  return status === 'stopping' ? 'stopping' : 'starting';
}

/** Whether something takes connections on the cluster's socket. */
export function isAnswering(cluster: Cluster): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(cluster.socket);
    const settle = (answering: boolean): void => {
      socket.destroy();
      resolve(answering);
    };
    socket.once('connect', () => {
      settle(true);
    });
    socket.once('error', () => {
      settle(false);
    });
  });
}

/**
 * After a crash, makes Postgres see that the owner of its lock files is gone even if its process id was given to another
 * program of the same user, which Postgres would take for a server. The rest of the files stays: by it Postgres finds
 * orphaned backends. Call it only while no server runs.
 */
export function disownLockFiles(cluster: Cluster): void {
  for (const file of [join(cluster.data, 'postmaster.pid'), `${cluster.socket}.lock`]) {
    const [pid, ...rest] = readLines(file) ?? [];
    if (pid !== undefined && isAlive(Number(pid))) writeFileSync(file, [NO_PID, ...rest].join('\n'));
  }
}

function isPostmaster(pid: number, cluster: Cluster): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster.data); // the server works in its data folder
  } catch {
    return false; // no such process, or another user's
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function readLines(file: string): readonly string[] | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return undefined;
  }
}
