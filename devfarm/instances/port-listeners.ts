import { readFile, readlink, readdir } from 'node:fs/promises';
import { UnfitMachineError } from './host-mode.ts';

/** One line of /proc/net/tcp or tcp6 that listens. */
export type Listener = {
  /** Dotted for IPv4; `::` for the IPv6 wildcard, other IPv6 addresses as hex digits. */
  readonly address: string;
  readonly port: number;
  readonly inode: string;
};

const LISTEN = '0A';

/** The listening sockets in the text of /proc/net/tcp or /proc/net/tcp6 (proc_pid_net(5)). */
export function parseListeners(table: string): readonly Listener[] {
  const listeners: Listener[] = [];
  for (const line of table.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const [address, port] = fields[1]?.split(':') ?? [];
    const inode = fields[9];
    if (fields[3] !== LISTEN || address === undefined || port === undefined || inode === undefined) continue;
    listeners.push({ address: readAddress(address), port: Number.parseInt(port, 16), inode });
  }
  return listeners;
}

/** Everything that listens on `port` in our network namespace. */
export async function listListeners(port: number): Promise<readonly Listener[]> {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map(async (file) => await readFile(file, 'utf8').catch(() => ''));
  return (await Promise.all(tables)).flatMap(parseListeners).filter((listener) => listener.port === port);
}

/** Undefined, or what listens on `port` of every address and so takes it from all of 127/8. */
export async function findWildcardListener(port: number): Promise<Listener | undefined> {
  return (await listListeners(port)).find(isWildcard);
}

/** @throws {UnfitMachineError} something listens on `port` of every address; one line says what and what to do */
export async function requireFreePort(port: number): Promise<void> {
  const listener = await findWildcardListener(port);
  if (listener === undefined) return;
  const owner = (await findOwner(listener.inode)) ?? 'something';
  throw new UnfitMachineError(
    `Cannot use port ${port} for instances: ${owner} listens on it at every address (${listener.address}); ` +
      'give that a ListenAddress, choose another port, or use scripts/in-own-network',
  );
}

function isWildcard(listener: Listener): boolean {
  return listener.address === '0.0.0.0' || listener.address === '::';
}

/** Hex digits in the machine's byte order: `0100007F` is 127.0.0.1 on x86 and on arm64. */
function readAddress(hex: string): string {
  if (hex.length === 8) return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.');
  return /^0+$/.test(hex) ? '::' : hex;
}

/** `sshd (pid 812)`. Undefined where we may not look into the process, or it is in another pid namespace. */
async function findOwner(inode: string): Promise<string | undefined> {
  const pids = (await readdir('/proc')).filter((entry) => /^[0-9]+$/.test(entry));
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []); // ended, or not ours to see
    for (const fd of fds) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (target !== `socket:[${inode}]`) continue;
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a process');
      return `${name.trim()} (pid ${pid})`;
    }
  }
  return undefined;
}
