import { appendFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { asError, DatabaseRefusedError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { Cluster } from './cluster-folder.ts';
import { runProgram } from './run-program.ts';

export type ClusterDeps = { readonly clock: Clock; readonly randomness: Randomness; readonly log: Logger };

const INITDB = ['--username=nodepool', '--auth=trust', '--encoding=UTF8', '--no-locale'];

// Trust: the socket is closed to all users but the server's own and root, and there is no other way in.
const SETTINGS = `
# Nodepool's own
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 60
log_checkpoints = off
jit = off
`;

/** Begin of the names of clusters that are not whole yet. */
const HALF_MADE = 'data.new-';

const DEADLINE_MS = 120_000;

/**
 * Makes a new cluster, whose database `postgres` is ours: a second one would double the time. It is made beside its place
 * and moved there when it is whole, so what an interrupted attempt leaves is never taken for a cluster. Call it under the
 * cluster's lock.
 * @throws {DatabaseRefusedError} disk full, missing rights
 */
export async function makeCluster(
  cluster: Cluster,
  deps: ClusterDeps & { readonly programs: string },
  signal: AbortSignal,
): Promise<void> {
  removeHalfMade(cluster);
  // A name of its own: an initdb whose Nodepool was killed may still be at work.
  const data = join(cluster.folder, `${HALF_MADE}${deps.randomness.hex(4)}`);
  const initdb = {
    ...{ path: join(deps.programs, 'initdb'), args: [...INITDB, '--pgdata', data] },
    ...{ user: cluster.user, cwd: cluster.folder, deadlineMs: DEADLINE_MS },
  };
  try {
    const { code, output } = await runProgram(initdb, deps, signal);
    if (code !== 0) throw new Error(complaintIn(output));
    appendFileSync(join(data, 'postgresql.conf'), SETTINGS);
    renameSync(data, cluster.data);
  } catch (error) {
    removeHalfMade(cluster);
    signal.throwIfAborted();
    const message = `Cannot make the local database in "${cluster.folder}": ${asError(error).message}`;
    throw new DatabaseRefusedError(message, { cause: error });
  }
  deps.log.info('Made a local database', { folder: cluster.folder });
}

function removeHalfMade(cluster: Cluster): void {
  for (const name of readdirSync(cluster.folder).filter((entry) => entry.startsWith(HALF_MADE))) {
    try {
      rmSync(join(cluster.folder, name), { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
    } catch {
      // an orphaned initdb still writes there: the next attempt removes it
    }
  }
}

/** What a failure is known by, the best first: a full disk makes Postgres complain of much else as well. */
const COMPLAINTS = [/no space left|quota exceeded/i, /\b(FATAL|PANIC):/, /\b(error|could not|cannot)\b/i, /\S/];

/** The line of some program's output or of the server's log that says why, without the time. */
export function complaintIn(output: string): string {
  const lines = output.split('\n');
  const complaints = COMPLAINTS.flatMap((complaint) => lines.filter((line) => complaint.test(line)).slice(-1));
  return complaints[0]?.replace(/^[-\d]+ [:.\d]+ \w+ \[\d+\] /, '').trim() ?? 'it does not say why';
}
