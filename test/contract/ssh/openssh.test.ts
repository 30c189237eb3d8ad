import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Login, RemoteError } from '../../../src/provider/remote-machine.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { DeadlineExceededError } from '../../../src/runtime/errors.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { TaskBoard } from '../../../src/runtime/task-board.ts';
import { quoteForShell } from '../../../src/ssh/quote-for-shell.ts';
import { generateRsaKeyPair } from '../../../src/ssh/rsa-key-pairs.ts';
import { proveLogin } from '../../../src/ssh/prove-login.ts';
import { SshConnection } from '../../../src/ssh/ssh-connection.ts';
import { SshMachines } from '../../../src/ssh/ssh-machines.ts';
import { SshSession } from '../../../src/ssh/ssh-session.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import { type Sshd, startSshd } from '../../peers/sshd.ts';
import { makeSshKeyPair } from '../../peers/ssh-key-pair.ts';

const BOOT_MS = 60_000; // may have to fetch the package
vi.setConfig({ testTimeout: 30_000 }); // real logins on a busy machine
const ours = makeSshKeyPair();
const greeted = makeSshKeyPair();
const GREETING = `command="echo 'Please login as the user \\"debian\\" rather than the user \\"root\\".';sleep 10" `;

const rsaPair = await generateRsaKeyPair();
const keys = [
  { name: 'an Ed25519 key', ...ours },
  { name: 'an ECDSA key', ...makeSshKeyPair('ecdsa') },
  { name: 'a node key of ours', private: rsaPair.privateKey.reveal(), public: rsaPair.publicKey },
];

const tasks = new TaskBoard(systemClock);
const machines = new SshMachines({ clock: systemClock, log: new RecordingLogger(), tasks });
let sshd: Sshd;

beforeAll(async () => {
  sshd = await startSshd({ authorizedKeys: [...keys.map((key) => key.public), GREETING + greeted.public] });
}, BOOT_MS);
afterAll(async () => {
  await sshd[Symbol.asyncDispose]();
});

const loginWith = (privateKey: string): Login => ({
  host: sshd.host,
  port: sshd.port,
  username: sshd.username,
  credentials: [{ kind: 'key', privateKey: new Secret(privateKey) }],
});

async function openSession(login: Partial<Login> = {}): Promise<SshSession> {
  const session = await machines.open({ ...loginWith(ours.private), ...login }, { timeoutMs: 20_000 }, neverAborted);
  if (!(session instanceof SshSession)) throw new Error('Unexpected kind of session');
  return session;
}

describe('a login at OpenSSH', () => {
  test.each(keys)('works with $name', async (key) => {
    await using session = await openSession(loginWith(key.private));

    expect(session.username).toBe(sshd.username);
  });

  test('tells the fingerprint that ssh-keygen prints, so that it can be compared by eye', async () => {
    await using session = await openSession();

    const parsed = ssh2.utils.parseKey(await readFile(join(sshd.folder, 'host_key')));
    const key = parsed instanceof Error ? Buffer.alloc(0) : parsed.getPublicSSH();
    expect(`${session.hostKey}=`).toBe(`sha256:${createHash('sha256').update(key).digest('base64')}`);
  });

  test('works again with the host key that was seen at first', async () => {
    await using first = await openSession();
    await using second = await openSession({ hostKey: first.hostKey });

    expect(second.hostKey).toBe(first.hostKey);
  });

  test('fails at once where the host key changed, for another machine may listen there', async () => {
    const failure = openSession({ hostKey: 'sha256:other' });

    await expect(failure).rejects.toMatchObject({ fault: 'host-key' });
    await expect(failure).rejects.toThrow(/changed: known is "sha256:other", it showed "sha256:/);
  });

  test('that ends in a greeting instead of a shell is a refusal, known before the machine hangs up', async () => {
    const connection = new SshConnection(loginWith(greeted.private));
    await connection.connect();
    await connection.logIn([{ kind: 'key', privateKey: new Secret(greeted.private) }]);

    const proof = proveLogin(connection, { clock: systemClock }, neverAborted);

    await expect(proof).rejects.toMatchObject({ fault: 'authentication' });
    await expect(proof).rejects.toThrow('it answered "Please login as the user "debian" rather than');
    connection.destroy();
  });
});

describe('a command at OpenSSH', () => {
  test('gives its lines, status and tail', async () => {
    await using session = await openSession();
    const lines: string[] = [];
    const onLine = (line: string) => lines.push(line);

    const result = await session.run(
      'echo one; echo two >&2; printf three; exit 3',
      { name: 'c', timeoutMs: 9_000, onLine },
      neverAborted,
    );

    expect(result).toMatchObject({ status: 3, signal: undefined });
    expect(lines.sort()).toEqual(['one', 'three', 'two']);
    expect(result.tail.split('\n').sort()).toEqual(['one', 'three', 'two']);
  });

  test('has a terminal where it is asked for, and none else', async () => {
    await using session = await openSession();
    const options = { name: 'tty', timeoutMs: 9_000 };

    expect((await session.run('tty', { ...options, pty: true }, neverAborted)).tail).toMatch(/^\/dev\/pts\//);
    expect((await session.run('tty', options, neverAborted)).tail).toBe('not a tty');
  });

  test('that a signal ends has that signal and no status', async () => {
    await using session = await openSession();

    const result = await session.run('kill -TERM $$', { name: 'suicide', timeoutMs: 9_000 }, neverAborted);

    expect(result).toMatchObject({ status: undefined, signal: 'SIGTERM' });
  });

  test('that reads its input sees the end of it', async () => {
    await using session = await openSession();

    expect((await session.run('cat; echo done', { name: 'cat', timeoutMs: 9_000 }, neverAborted)).tail).toBe('done');
  });

  test('on a terminal is ended when its time is over', async () => {
    const clock = new FakeClock();
    const patient = new SshMachines({ clock, log: new RecordingLogger(), tasks });
    await using session = await patient.open(loginWith(ours.private), { timeoutMs: 20_000 }, neverAborted);
    let pid = '';
    const onLine = (line: string): void => {
      pid = line;
      void clock.advance(300);
    };

    const script = 'echo $$; while :; do sleep 1; done';
    const run = session.run(script, { name: 'slow', timeoutMs: 300, pty: true, onLine }, neverAborted);

    await expect(run).rejects.toThrow(DeadlineExceededError);
    const gone = `while kill -0 ${pid} 2>&-; do sleep 0.05; done; echo gone`;
    expect((await session.run(gone, { name: 'wait', timeoutMs: 9_000 }, neverAborted)).tail).toBe('gone');
  });

  test('gets its arguments as they were quoted', async () => {
    await using session = await openSession();
    const hostile = '$HOME `id` "x" \'y\' \\ * ; & | é\n!';

    const result = await session.run(
      `printf %s ${quoteForShell(hostile)}`,
      { name: 'printf', timeoutMs: 9_000 },
      neverAborted,
    );

    expect(result.tail).toBe(hostile);
  });
});

describe('a file at OpenSSH', () => {
  test('is written with the mode asked for, and replaces what stood there', async () => {
    await using session = await openSession();
    const path = join(sshd.folder, 'role');

    await session.writeFile(path, 'a longer first text\n', { mode: 0o666 }, neverAborted);
    await session.writeFile(path, 'primary\n', { mode: 0o640 }, neverAborted);

    expect(await readFile(path, 'utf8')).toBe('primary\n');
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    expect((await session.readFile(path, 100, neverAborted)).toString()).toBe('primary\n');
  });

  test('takes the place of a link and never goes through it', async () => {
    await using session = await openSession();
    const [victim, link] = [join(sshd.folder, 'victim'), join(sshd.folder, 'link')];
    await writeFile(victim, 'untouched');
    await symlink(victim, link);

    await session.writeFile(link, 'new', {}, neverAborted);

    expect(await readFile(victim, 'utf8')).toBe('untouched');
    expect((await lstat(link)).isFile()).toBe(true);
  });

  test('that cannot be written is named in the error', async () => {
    await using session = await openSession();

    const failure = session.writeFile(join(sshd.folder, 'nowhere', 'role'), 'x', {}, neverAborted);

    await expect(failure).rejects.toBeInstanceOf(RemoteError);
    await expect(failure).rejects.toThrow(/Cannot write ".*nowhere\/role" on .*: No such file/);
  });

  test('that is too large is not read', async () => {
    await using session = await openSession();
    await writeFile(join(sshd.folder, 'large'), 'x'.repeat(101));

    await expect(session.readFile(join(sshd.folder, 'large'), 100, neverAborted)).rejects.toThrow(
      'larger than 100 bytes',
    );
  });

  test('of a folder is copied with its mode, large ones too, and subfolders stay behind', async () => {
    await using session = await openSession();
    const [local, remote] = [join(sshd.folder, 'scripts'), join(sshd.folder, 'copy')];
    const large = Buffer.alloc(700_001, 'abc');
    await mkdir(join(local, 'subfolder'), { recursive: true });
    await writeFile(join(local, 'setup.sh'), 'echo');
    await chmod(join(local, 'setup.sh'), 0o755);
    await writeFile(join(local, 'large'), large);
    await symlink(join(local, 'setup.sh'), join(local, 'linked.sh'));

    await session.copyFolder(local, remote, neverAborted);
    await session.copyFolder(local, remote, neverAborted);

    const list = await session.run(`ls ${remote}`, { name: 'ls', timeoutMs: 9_000 }, neverAborted);
    expect(list.tail.split('\n')).toEqual(['large', 'linked.sh', 'setup.sh']);
    expect((await stat(join(remote, 'setup.sh'))).mode & 0o777).toBe(0o755);
    expect((await readFile(join(remote, 'large'))).equals(large)).toBe(true);
  });
});

test('IPv6 addresses work', async () => {
  await using server = await startSshd({ authorizedKeys: [ours.public], host: '::1' });
  await using session = await openSession({ host: server.host, port: server.port });

  expect((await session.run('echo six', { name: 'echo', timeoutMs: 9_000 }, neverAborted)).tail).toBe('six');
});

test('nothing is left on the task board', () => {
  expect(tasks.list()).toEqual([]);
});
