import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseRefusedError, DatabaseUnavailableError } from '../runtime/errors.ts';
import type { Cluster } from './cluster-folder.ts';
import type { ClusterDeps } from './make-cluster.ts';
import { complaintIn } from './make-cluster.ts';
import { disownLockFiles, postmasterState } from './postmaster.ts';
import type { Outcome } from './run-program.ts';
import { runProgram } from './run-program.ts';

type Deps = ClusterDeps & { readonly programs: string };

/** Longest recovery after a crash that we wait for. */
const START_MS = 60_000;
const STOP_MS = 60_000;

/** How often a server that is already starting or stopping is looked at. */
const LOOK_MS = 50;

/** Backends that outlived a killed server end within moments; until then it cannot start. */
const ORPHANS_MS = 10_000;
const ORPHANS = 'pre-existing shared memory block';

const MAX_LOG_BYTES = 10_000_000;

/**
 * Starts the server and waits until it answers. Call it under the cluster's lock.
 * @throws {DatabaseRefusedError} it does not start; with the last complaint of its log
 * @throws {DatabaseUnavailableError} it recovers from a crash and is not done yet
 */
export async function startPostmaster(cluster: Cluster, deps: Deps, signal: AbortSignal): Promise<void> {
  await untilSettled(cluster, deps, signal);
  if (postmasterState(cluster) === 'ready') return;
  disownLockFiles(cluster);
  keepLogShort(cluster);
  const startedMs = deps.clock.monotonicMs();
  for (;;) {
    const logStart = logSize(cluster);
    const outcome = await pgCtl(cluster, START_ARGS(cluster), { deps, signal });
    if (outcome.code === 0) break;
    const log = logSince(cluster, logStart);
    const isWorthWaiting = log.includes(ORPHANS) && deps.clock.monotonicMs() - startedMs < ORPHANS_MS;
    if (!isWorthWaiting) throw failedStart(cluster, log === '' ? outcome.output : log);
    await deps.clock.sleep(LOOK_MS, signal);
  }
  deps.log.info('Started the local database', { folder: cluster.folder });
}

/** Stops the server; clients are cut off. Call it under the cluster's lock. */
export async function stopPostmaster(cluster: Cluster, deps: Deps, signal: AbortSignal): Promise<void> {
  const args = ['stop', '--mode', 'fast', '--wait', '--timeout', String(STOP_MS / 1000)];
  const outcome = await pgCtl(cluster, args, { deps, signal });
  if (outcome.code === 0) return;
  throw new DatabaseRefusedError(
    `Cannot stop the local database in "${cluster.folder}": ${complaintIn(outcome.output)}`,
  );
}

// The log is named without its folder: pg_ctl passes it to a shell.
const START_ARGS = (cluster: Cluster): readonly string[] => [
  ...['start', '--wait', '--timeout', String(START_MS / 1000), '--log', 'log'],
  ...['--options', `-k ${cluster.socketFolder} -c listen_addresses=''`],
];

function pgCtl(
  cluster: Cluster,
  args: readonly string[],
  { deps, signal }: { readonly deps: Deps; readonly signal: AbortSignal },
): Promise<Outcome> {
  const program = {
    ...{ path: join(deps.programs, 'pg_ctl'), args, user: cluster.user, cwd: cluster.folder },
    env: { PGDATA: cluster.data },
    // Also while it starts: pg_ctl gives the server a session of its own.
    detached: true,
    deadlineMs: START_MS + 10_000,
  };
  return runProgram(program, deps, signal);
}

/** A server may be on its way up or down already, from before a crash of ours or by hand. */
async function untilSettled(cluster: Cluster, deps: Deps, signal: AbortSignal): Promise<void> {
  const giveUpMs = deps.clock.monotonicMs() + START_MS;
  for (;;) {
    const state = postmasterState(cluster);
    if (state === 'absent' || state === 'ready') return;
    if (deps.clock.monotonicMs() > giveUpMs) {
      throw new DatabaseUnavailableError(
        `The local database in "${cluster.folder}" is still ${state}: try again later`,
      );
    }
    await deps.clock.sleep(LOOK_MS, signal);
  }
}

function failedStart(cluster: Cluster, output: string): Error {
  if (postmasterState(cluster) === 'starting') {
    return new DatabaseUnavailableError(
      `The local database in "${cluster.folder}" still recovers from a crash: try again later`,
    );
  }
  return new DatabaseRefusedError(`Cannot start the local database in "${cluster.folder}": ${complaintIn(output)}`);
}

function keepLogShort(cluster: Cluster): void {
  if (logSize(cluster) > MAX_LOG_BYTES) renameSync(cluster.log, `${cluster.log}.1`);
}

function logSize(cluster: Cluster): number {
  return existsSync(cluster.log) ? statSync(cluster.log).size : 0;
}

function logSince(cluster: Cluster, start: number): string {
  return existsSync(cluster.log) ? readFileSync(cluster.log).subarray(start).toString() : '';
}
