import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { makeSshKeyPair } from './ssh-key-pair.ts';

const run = promisify(execFile);
const CACHE = resolve('node_modules/.cache/sshd');

/** A real OpenSSH server on a loopback port, which lets in the current user of this host. Disposing ends it. */
export interface Sshd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** A folder of its own, for the test's files. Removed with the server. */
  readonly folder: string;
}

export type SshdOptions = {
  /** Lines of authorized_keys. */
  readonly authorizedKeys: readonly string[];
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Further lines of sshd_config. */
  readonly settings?: readonly string[];
};

/**
 * Starts OpenSSH: the program NODEPOOL_TEST_SSHD, else the installed one, else Debian's package unpacked into
 * node_modules/.cache. Nothing of this host is changed.
 */
export async function startSshd(options: SshdOptions): Promise<Sshd> {
  const program = await findProgram();
  const host = options.host ?? '127.0.0.1';
  const folder = await mkdtemp(join(tmpdir(), 'sshd-'));
  const port = await freePort(host);
  await writeSettings({ folder, host, port }, options);
  const server = spawn(...commandLine(program, folder));
  const kill = (): void => {
    server.kill('SIGTERM');
  };
  process.once('exit', kill); // an interrupted run must not leave it behind
  await untilListening(server).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    host,
    port,
    username: userInfo().username,
    folder,
    [Symbol.asyncDispose]: async () => {
      process.off('exit', kill);
      if (server.exitCode === null && server.signalCode === null) {
        const ended = once(server, 'exit');
        kill();
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Place = { readonly folder: string; readonly host: string; readonly port: number };
type Program = { readonly path: string; readonly libraries: string };

async function writeSettings({ folder, host, port }: Place, options: SshdOptions): Promise<void> {
  const hostKey = makeSshKeyPair().private;
  await writeFile(join(folder, 'host_key'), hostKey, { mode: 0o600 });
  await writeFile(join(folder, 'authorized_keys'), options.authorizedKeys.map((line) => `${line}\n`).join(''));
  await writeFile(join(folder, 'passwd'), passwdWithSshd(await run('getent', ['passwd'])));
  const settings = [
    `Port ${port}`,
    `ListenAddress ${host}`,
    `HostKey ${join(folder, 'host_key')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'StrictModes no', // the folder lies below /tmp
    'PidFile none',
    'UsePAM no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'Subsystem sftp internal-sftp',
    ...(options.settings ?? []),
  ];
  await writeFile(join(folder, 'sshd_config'), `${settings.join('\n')}\n`);
}

/** As root, sshd wants an account and a folder that come with its package: it gets them in a mount namespace of its own. */
function commandLine({ path, libraries }: Program, folder: string): [string, string[], { env: NodeJS.ProcessEnv }] {
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  const server = [path, '-D', '-e', '-f', join(folder, 'sshd_config')];
  if (process.getuid?.() !== 0) return [path, server.slice(1), { env }];
  const script = 'mount -t tmpfs tmpfs /run && mkdir /run/sshd && mount --bind "$0" /etc/passwd && exec "$@"';
  const inside = ['--mount', '--propagation', 'private', 'sh', '-c', script, join(folder, 'passwd'), ...server];
  return ['unshare', inside, { env }];
}

function passwdWithSshd({ stdout }: { readonly stdout: string }): string {
  const account = 'sshd:x:64000:65534::/run/sshd:/usr/sbin/nologin\n';
  return /^sshd:/m.test(stdout) ? stdout : stdout + account;
}

async function untilListening(server: ReturnType<typeof spawn>): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    server.stderr?.on('data', (chunk: Buffer) => {
      if (log.length < 10_000) log += chunk.toString();
      if (log.includes('Server listening on')) resolve();
    });
    server.once('error', reject);
    server.once('exit', () => {
      reject(new Error(`Cannot start sshd: ${log}`));
    });
  });
}

async function freePort(host: string): Promise<number> {
  const probe = createServer().listen(0, host);
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port');
  return address.port;
}

async function findProgram(): Promise<Program> {
  const given = process.env['NODEPOOL_TEST_SSHD'] ?? '/usr/sbin/sshd';
  if (existsSync(given)) return { path: given, libraries: '' };
  if (!existsSync(CACHE)) await unpackPackage();
  const below = join(CACHE, 'usr', 'lib');
  const libraries = readdirSync(below).map((name) => join(below, name));
  return { path: join(CACHE, 'usr', 'sbin', 'sshd'), libraries: libraries.join(':') };
}

async function unpackPackage(): Promise<void> {
  await mkdir(join(CACHE, '..'), { recursive: true });
  const folder = await mkdtemp(`${CACHE}-`);
  try {
    // libwrap0 is the one library of sshd that is not there anyway.
    await run('apt-get', ['download', 'openssh-server', 'libwrap0'], { cwd: folder });
    for (const name of readdirSync(folder)) await run('dpkg-deb', ['-x', join(folder, name), join(folder, 'root')]);
    // Test files run side by side: the first one wins, and the others use its copy.
    await rename(join(folder, 'root'), CACHE).catch((error: unknown) => {
      if (!existsSync(CACHE)) throw error;
    });
  } catch (error) {
    throw new Error('Cannot get sshd: install the package openssh-server, or set NODEPOOL_TEST_SSHD to its path', {
      cause: error,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
