import { Secret } from '../runtime/secret.ts';
import type { Cluster } from './cluster-folder.ts';
import { clusterOf, clusterVersion, ensureClusterFolders } from './cluster-folder.ts';
import { takeFileLock } from './file-lock.ts';
import type { ClusterDeps } from './make-cluster.ts';
import { makeCluster } from './make-cluster.ts';
import { findPostgresPrograms } from './postgres-programs.ts';
import { isAnswering, postmasterState } from './postmaster.ts';
import { startPostmaster, stopPostmaster } from './start-postmaster.ts';

export type ManagedPostgresOptions = {
  /** Nodepool's state directory; the cluster is its folder `postgres`. */
  readonly stateDir: string;
  /** Folder of `initdb`, `pg_ctl` and `postgres`. Absent: looked for in the usual places. */
  readonly programsFolder?: string;
  /** Told before a new cluster is made, with its folder. */
  readonly onMaking?: (folder: string) => void;
};

/** Longest wait for another program that makes or starts the cluster. */
const LOCK_MS = 180_000;

/**
 * Makes sure that the state directory's own Postgres runs, and gives its URL. Whoever comes first makes and starts it; the
 * others wait. It is left running, on its own: no signal to us, and no end of ours, ends it.
 * @throws {DatabaseRefusedError} it cannot be made or started; says why in one line
 * @throws {DatabaseUnavailableError} it still recovers from a crash
 */
export async function ensureManagedPostgres(
  options: ManagedPostgresOptions,
  deps: ClusterDeps,
  signal: AbortSignal,
): Promise<Secret> {
  const cluster = clusterOf(options.stateDir);
  if (!(await isReady(cluster))) {
    ensureClusterFolders(cluster);
    const lock = { path: cluster.lock, user: cluster.user, deadlineMs: LOCK_MS };
    await using _held = await takeFileLock(lock, deps, signal);
    if (!(await isReady(cluster))) await makeAndStart(cluster, options, { deps, signal });
  }
  return new Secret(`postgresql://nodepool@/postgres?host=${encodeURIComponent(cluster.socketFolder)}`);
}

/** Stops it if it runs (`nodepool db stop`); clients are cut off, nothing is lost. False: it did not run. */
export async function stopManagedPostgres(
  options: ManagedPostgresOptions,
  deps: ClusterDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const cluster = clusterOf(options.stateDir);
  if (postmasterState(cluster) === 'absent') return false;
  const lock = { path: cluster.lock, user: cluster.user, deadlineMs: LOCK_MS };
  await using _held = await takeFileLock(lock, deps, signal);
  if (postmasterState(cluster) === 'absent') return false;
  const programs = await programsFor(cluster, options, { deps, signal });
  await stopPostmaster(cluster, { ...deps, programs }, signal);
  return true;
}

type Context = { readonly deps: ClusterDeps; readonly signal: AbortSignal };

async function isReady(cluster: Cluster): Promise<boolean> {
  return postmasterState(cluster) === 'ready' && (await isAnswering(cluster));
}

async function makeAndStart(cluster: Cluster, options: ManagedPostgresOptions, context: Context): Promise<void> {
  const { deps, signal } = context;
  const programs = await programsFor(cluster, options, context);
  if (clusterVersion(cluster) === undefined) {
    options.onMaking?.(cluster.folder);
    await makeCluster(cluster, { ...deps, programs }, signal);
  }
  await startPostmaster(cluster, { ...deps, programs }, signal);
}

function programsFor(cluster: Cluster, options: ManagedPostgresOptions, context: Context): Promise<string> {
  const query = { ...options, version: clusterVersion(cluster), user: cluster.user };
  return findPostgresPrograms(query, context.deps, context.signal);
}
