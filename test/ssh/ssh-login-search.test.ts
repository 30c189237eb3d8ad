import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuthContext } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Credential, Login, OpenOptions, RemoteSession } from '../../src/provider/remote-machine.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { SshMachines } from '../../src/ssh/ssh-machines.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { RetryClock } from './retry-clock.ts';
import { answer, ScriptedSshServer, type SshScript } from './scripted-ssh-server.ts';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';

const PAIR = makeSshKeyPair();
const KEY: Credential = { kind: 'key', privateKey: new Secret(PAIR.private) };

let server: ScriptedSshServer;
let clock: RetryClock;
let log: RecordingLogger;

beforeEach(() => {
  clock = new RetryClock();
  log = new RecordingLogger();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

async function serve(script: SshScript = {}): Promise<void> {
  server = await ScriptedSshServer.start(script);
}

const open = (
  login: Partial<Login> = {},
  options: Partial<OpenOptions> = {},
  on: Clock = clock,
): Promise<RemoteSession> =>
  new SshMachines({ clock: on, log, tasks: new TaskBoard(on) }).open(
    { host: '127.0.0.1', port: server.port, username: 'root', credentials: [KEY], ...login },
    { timeoutMs: 60_000, ...options },
    neverAborted,
  );

const acceptOnly =
  (username: string) =>
  (attempt: AuthContext): boolean =>
    attempt.username === username;

describe('users', () => {
  test("are tried in turn, and the first that works is the session's", async () => {
    await serve({ accept: acceptOnly('fedora') });

    await using session = await open({}, { otherUsernames: ['ubuntu', 'fedora', 'debian'] });

    expect(session.username).toBe('fedora');
    expect(server.attempts).toEqual(['root publickey', 'ubuntu publickey', 'fedora publickey']);
  });

  test('after the first are tried where it gets a greeting instead of a shell', async () => {
    await serve({
      onExec: (command, channel) => {
        if (server.connections > 1) answer(command, channel);
        else channel.write('Please login as the user "debian" rather than the user "root".\n'); // and waits
      },
    });

    await using session = await open({}, { otherUsernames: ['debian'] });

    expect(session.username).toBe('debian');
  });

  test('after the first get time of their own, should the machine answer only at the end', async () => {
    await serve({ onSocket: (socket, count) => count > 3 || (socket.destroy(), false), accept: acceptOnly('debian') });

    await using session = await open({}, { timeoutMs: 7_000, otherUsernames: ['ubuntu', 'debian'] });

    expect(session.username).toBe('debian');
  });

  test('are not changed while the machine does not answer', async () => {
    await serve({ onSocket: (socket, count) => count > 3 || (socket.destroy(), false) });

    await using session = await open({}, { otherUsernames: ['ubuntu'] });

    expect(session.username).toBe('root');
  });

  test('that are all refused end in a timeout that names the refusal', async () => {
    await serve({ accept: () => false });

    const failure = open({}, { timeoutMs: 4_000, otherUsernames: ['ubuntu'], otherTimeoutMs: 6_000 });

    await expect(failure).rejects.toBeInstanceOf(DeadlineExceededError);
    await expect(failure).rejects.toMatchObject({ cause: { fault: 'authentication' } });
    expect(server.attempts.length).toBe(3);
  });
});

describe('credentials', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keys-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test('are tried in turn within one connection', async () => {
    await serve({ accept: (attempt) => attempt.method === 'password' && attempt.password === 'sesame' });

    await using session = await open({ credentials: [KEY, { kind: 'password', password: new Secret('sesame') }] });

    expect(session.username).toBe('root');
    expect(server.attempts).toEqual(['root publickey', 'root password']);
    expect(server.connections).toBe(1);
  });

  test('that are passwords also answer a question for one', async () => {
    await serve({
      accept: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return false;
        attempt.prompt([{ prompt: 'Password: ', echo: false }], (answers) => {
          if (answers[0] === 'sesame') attempt.accept();
          else attempt.reject();
        });
        return false;
      },
    });

    await using session = await open({ credentials: [{ kind: 'password', password: new Secret('sesame') }] });

    expect(session.username).toBe('root');
  });

  test('of which one is unusable leave the others, with a warning that names the file', async () => {
    await serve();
    const missing = join(folder, 'id_rsa');

    await using session = await open({ credentials: [{ kind: 'key-file', path: missing }, KEY] });

    expect(session.username).toBe('root');
    expect(log.messages('warn')).toEqual([
      expect.stringContaining(`Cannot read private key "${missing}": it does not exist`),
    ]);
  });

  test('that are all unusable are an error before any connection', async () => {
    await serve();

    const failure = open({ credentials: [{ kind: 'key', privateKey: new Secret('nonsense') }] });

    await expect(failure).rejects.toMatchObject({ name: 'RemoteError', fault: 'key' });
    expect(server.connections).toBe(0);
  });

  test('in a file that others may read are used, with one warning', async () => {
    await serve();
    const path = join(folder, 'key');
    await writeFile(path, PAIR.private, { mode: 0o644 });
    const machines = new SshMachines({ clock, log, tasks: new TaskBoard(clock) });
    const login: Login = {
      host: '127.0.0.1',
      port: server.port,
      username: 'root',
      credentials: [{ kind: 'key-file', path }],
    };

    await using first = await machines.open(login, { timeoutMs: 9_000 }, neverAborted);
    await using second = await machines.open(login, { timeoutMs: 9_000 }, neverAborted);

    expect([first.username, second.username]).toEqual(['root', 'root']);
    expect(log.messages('warn')).toEqual([
      `Private key "${path}" is open to other users of this host: set its mode to 0600`,
    ]);
  });
});
