import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { findInstanceProcess } from './instance-process.ts';
import { findWildcardListener } from './port-listeners.ts';

/**
 * Where a farm's network is, and the words to put before a command so that it runs there.
 * - `host`: where we are; no words.
 * - `own`: a fresh network namespace with nothing but loopback, because the port is taken here.
 * - `join`: the namespace in which living instances of the state folder run: an earlier farm made it.
 */
export type FarmNetwork = { readonly kind: 'host' | 'own' | 'join'; readonly prefix: readonly string[] };

/**
 * Decides once, at the top, in which network namespace a farm and all that talks to its instances must run. Inside,
 * everything is plain: a second call there answers `host`.
 */
export async function chooseFarmNetwork(farm: { stateDir: string; port: number }): Promise<FarmNetwork> {
  const elsewhere = await findInstanceElsewhere(farm.stateDir);
  if (elsewhere !== undefined) return { kind: 'join', prefix: await joinPrefix(elsewhere) };
  if (await hasInstanceHere(farm.stateDir)) return { kind: 'host', prefix: [] };
  if ((await findWildcardListener(farm.port)) === undefined) return { kind: 'host', prefix: [] };
  return { kind: 'own', prefix: ownPrefix() };
}

/** The words that run a command in a fresh network namespace with loopback up. Nothing else is in reach from there. */
export function ownPrefix(): readonly string[] {
  // As a plain user we become root of a user namespace: there port 22 may be bound too.
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user', '--map-auto'];
  return ['unshare', ...user, '--net', '--', 'sh', '-ec', 'ip link set lo up; exec "$@"', 'own-network'];
}

/** A pid whose network namespace is not ours, of a living instance in the folder. */
export async function findInstanceElsewhere(stateDir: string): Promise<number | undefined> {
  const ours = await readlink('/proc/self/ns/net');
  return (await listInstanceNetworks(stateDir)).find(({ network }) => network !== ours)?.pid;
}

async function hasInstanceHere(stateDir: string): Promise<boolean> {
  return (await listInstanceNetworks(stateDir)).length > 0;
}

async function listInstanceNetworks(stateDir: string): Promise<readonly { pid: number; network: string }[]> {
  const folder = join(stateDir, 'instances');
  const ids = await readdir(folder).catch(() => []); // no state yet
  const networks = [];
  for (const id of ids) {
    const running = await findInstanceProcess(join(folder, id));
    if (running === undefined) continue;
    const { pid } = running.init;
    const network = await readlink(`/proc/${pid}/ns/net`).catch(() => undefined); // ended this moment
    if (network !== undefined) networks.push({ pid, network });
  }
  return networks;
}

/** The words that run a command in the network namespace of that process. */
export async function joinPrefix(pid: number): Promise<readonly string[]> {
  const [ours, theirs] = await Promise.all(['self', pid].map(async (who) => await readlink(`/proc/${who}/ns/user`)));
  const user = ours === theirs ? [] : ['--user', '--preserve-credentials'];
  return ['nsenter', '--target', String(pid), ...user, '--net', '--'];
}
