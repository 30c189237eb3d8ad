import { appendFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { DatabaseRefusedError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { Cluster } from './cluster-folder.ts';
import type { Program } from './run-program.ts';
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
 * Makes a new cluster; its database `postgres` is ours, as a second one would double the time. The cluster is made beside its place and moved there when it is whole, so
 * what an interrupted attempt leaves is never taken for a cluster. Call it under the cluster's lock.
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
    await mustRun(initdb, deps, signal);
    appendFileSync(join(data, 'postgresql.conf'), SETTINGS);
    renameSync(data, cluster.data);
  } catch (error) {
    removeHalfMade(cluster);
    throw error;
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

async function mustRun(program: Program, deps: { readonly clock: Clock }, signal: AbortSignal): Promise<void> {
  const { code, output } = await runProgram(program, deps, signal);
  if (code === 0) return;
  throw new DatabaseRefusedError(`Cannot make the local database in "${program.cwd}": ${complaintIn(output)}`);
}

/** The line that says why: the last one that names a failure, else the last one. */
export function complaintIn(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const failures = lines.filter((line) => /\b(fatal|panic|error|could not|cannot|no space)\b/i.test(line));
  return (failures.at(-1) ?? lines.at(-1) ?? 'it says nothing').trim();
}
