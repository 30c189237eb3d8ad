import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { runProgram } from './run-program.ts';

/** This machine, or this user on it, cannot have instances. The message is one line for the operator; exit with 1. */
export class UnfitMachineError extends Error {
  override readonly name = 'UnfitMachineError';
}

/**
 * With which rights instances are made.
 * - `root`: real root. Instances lose the capabilities that could harm the host.
 * - `mapped`: root of a user namespace that we already are in, e.g. of our own private network.
 * - `rootless`: a plain user; each instance gets a user namespace of its own.
 */
export type HostMode = {
  readonly kind: 'root' | 'mapped' | 'rootless';
  /** Arguments of unshare(1) that make us owner of every uid in the state folder. */
  readonly userNamespace: readonly string[];
  /**
   * Overlay features that tie a layer to its neighbours are off, so that an upper folder can be copied and become a
   * layer. In a user namespace they are off anyway, and `userxattr` is needed.
   */
  readonly overlayOptions: string;
  /** 22 where we may bind it, else 2222. */
  readonly defaultPort: 22 | 2222;
};

const ROOTLESS = ['--user', '--map-root-user', '--map-auto'];

/**
 * Finds out how instances can be made here, and tries it.
 * @throws {UnfitMachineError} they cannot
 */
export async function detectHostMode(): Promise<HostMode> {
  const mode = await presumedMode();
  const probe = ['unshare', ...mode.userNamespace, '--mount', '--pid', '--fork', '--uts', '--ipc', '--kill-child'];
  try {
    // First without a range of users: where that is refused, unshare(1) with one leaves a child behind that never ends.
    if (mode.userNamespace.length > 0) await tryOut(['unshare', '--user', '--', 'true']);
    await tryOut([...probe, '--mount-proc', '--', 'true']);
  } catch (cause) {
    throw new UnfitMachineError(REFUSALS[mode.kind](), { cause });
  }
  return mode;
}

async function tryOut(argv: readonly string[]): Promise<void> {
  await runProgram({ argv, purpose: 'create namespaces', timeoutMs: 10_000 });
}

const REFUSALS: Record<HostMode['kind'], () => string> = {
  root: () => 'Cannot make instances: root may not create namespaces here (a container without CAP_SYS_ADMIN?)',
  mapped: () => 'Cannot make instances: this user namespace may not create further namespaces',
  rootless: () =>
    `Cannot make instances: this kernel does not let user "${userInfo().username}" create user namespaces; run as root`,
};

async function presumedMode(): Promise<HostMode> {
  if (process.getuid?.() === 0) {
    const inFirstNamespace = /^\s*0\s+0\s+4294967295\s*$/.test(await readFile('/proc/self/uid_map', 'utf8'));
    return inFirstNamespace
      ? { kind: 'root', userNamespace: [], overlayOptions: 'redirect_dir=off,metacopy=off,index=off', defaultPort: 22 }
      : { kind: 'mapped', userNamespace: [], overlayOptions: 'userxattr', defaultPort: await bindablePort() };
  }
  await requireUidRange(userInfo().username);
  return { kind: 'rootless', userNamespace: ROOTLESS, overlayOptions: 'userxattr', defaultPort: await bindablePort() };
}

async function requireUidRange(user: string): Promise<void> {
  await runProgram({ argv: ['which', 'newuidmap'], purpose: 'find newuidmap', timeoutMs: 5000 }).catch(() => {
    throw new UnfitMachineError(
      'Cannot make instances: this needs root, or the program newuidmap (Debian package uidmap)',
    );
  });
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const ranges = await readFile(file, 'utf8').catch(() => ''); // no file, no range
    if (ranges.split('\n').some((line) => line.startsWith(`${user}:`))) continue;
    throw new UnfitMachineError(`Cannot make instances: this needs root, or a range for user "${user}" in ${file}`);
  }
}

/** In a network namespace of our user namespace we hold CAP_NET_BIND_SERVICE; else the sysctl decides. */
async function bindablePort(): Promise<22 | 2222> {
  const first = Number(await readFile('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  if (first <= 22) return 22;
  const argv = ['perl', '-MSocket', '-e', BIND_22];
  return await runProgram({ argv, purpose: 'bind port 22', timeoutMs: 5000 }).then(
    () => 22,
    () => 2222,
  );
}

// Only to see whether we may: in use is good enough, the check for wildcard listeners comes later.
const BIND_22 =
  'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(22, pack("C4", 127, 255, 255, 1))) or $!{EADDRINUSE} or exit 1';
