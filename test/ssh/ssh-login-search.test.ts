import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuthContext } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Login } from '../../src/provider/remote-machine.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { SshMachines } from '../../src/ssh/ssh-machines.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { KEY, PAIR, SshBench } from './ssh-bench.ts';
import { answer } from './scripted-ssh-server.ts';

let bench: SshBench;

beforeEach(() => {
  bench = new SshBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const acceptOnly =
  (username: string) =>
  (attempt: AuthContext): boolean =>
    attempt.username === username;

describe('users', () => {
  test("are tried in turn, and the first that works is the session's", async () => {
    await bench.serve({ accept: acceptOnly('fedora') });

    await using session = await bench.open({}, { otherUsernames: ['ubuntu', 'fedora', 'debian'] });

    expect(session.username).toBe('fedora');
    expect(bench.server.attempts).toEqual(['root publickey', 'ubuntu publickey', 'fedora publickey']);
  });

  test('after the first are tried where it gets a greeting instead of a shell', async () => {
    await bench.serve({
      onExec: (command, channel) => {
        if (bench.server.connections > 1) answer(command, channel);
        else channel.write('Please login as the user "debian" rather than the user "root".\n'); // and waits
      },
    });

    await using session = await bench.open({}, { otherUsernames: ['debian'] });

    expect(session.username).toBe('debian');
  });

  test('after the first get time of their own, should the machine answer only at the end', async () => {
    await bench.serve({
      onSocket: (socket, count) => count > 3 || (socket.destroy(), false),
      accept: acceptOnly('debian'),
    });

    await using session = await bench.open({}, { timeoutMs: 7_000, otherUsernames: ['ubuntu', 'debian'] });

    expect(session.username).toBe('debian');
  });

  test('are not changed while the machine does not answer', async () => {
    await bench.serve({ onSocket: (socket, count) => count > 3 || (socket.destroy(), false) });

    await using session = await bench.open({}, { otherUsernames: ['ubuntu'] });

    expect(session.username).toBe('root');
  });

  test('that are all refused end in a timeout that names the refusal', async () => {
    await bench.serve({ accept: () => false });

    const failure = bench.open({}, { timeoutMs: 4_000, otherUsernames: ['ubuntu'], otherTimeoutMs: 6_000 });

    await expect(failure).rejects.toBeInstanceOf(DeadlineExceededError);
    await expect(failure).rejects.toMatchObject({ cause: { fault: 'authentication' } });
    expect(bench.server.attempts.length).toBe(3);
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
    await bench.serve({ accept: (attempt) => attempt.method === 'password' && attempt.password === 'sesame' });

    await using session = await bench.open({
      credentials: [KEY, { kind: 'password', password: new Secret('sesame') }],
    });

    expect(session.username).toBe('root');
    expect(bench.server.attempts).toEqual(['root publickey', 'root password']);
    expect(bench.server.connections).toBe(1);
  });

  test('that are passwords also answer a question for one', async () => {
    await bench.serve({
      accept: (attempt) => {
        if (attempt.method !== 'keyboard-interactive') return false;
        attempt.prompt([{ prompt: 'Password: ', echo: false }], (answers) => {
          if (answers[0] === 'sesame') attempt.accept();
          else attempt.reject();
        });
        return false;
      },
    });

    await using session = await bench.open({ credentials: [{ kind: 'password', password: new Secret('sesame') }] });

    expect(session.username).toBe('root');
  });

  test('of which one is unusable leave the others, with a warning that names the file', async () => {
    await bench.serve();
    const missing = join(folder, 'id_rsa');

    await using session = await bench.open({ credentials: [{ kind: 'key-file', path: missing }, KEY] });

    expect(session.username).toBe('root');
    expect(bench.log.messages('warn')).toEqual([
      expect.stringContaining(`Cannot read private key "${missing}": there is no such file`),
    ]);
  });

  test('that are all unusable are an error before any connection', async () => {
    await bench.serve();

    const failure = bench.open({ credentials: [{ kind: 'key', privateKey: new Secret('nonsense') }] });

    await expect(failure).rejects.toMatchObject({ name: 'RemoteError', fault: 'key' });
    expect(bench.server.connections).toBe(0);
  });

  test('in a file that others may read are used, with one warning', async () => {
    await bench.serve();
    const path = join(folder, 'key');
    await writeFile(path, PAIR.private, { mode: 0o644 });
    const machines = new SshMachines({ clock: bench.clock, log: bench.log, tasks: new TaskBoard(bench.clock) });
    const login: Login = {
      host: '127.0.0.1',
      port: bench.server.port,
      username: 'root',
      credentials: [{ kind: 'key-file', path }],
    };

    await using first = await machines.open(login, { timeoutMs: 9_000 }, neverAborted);
    await using second = await machines.open(login, { timeoutMs: 9_000 }, neverAborted);

    expect([first.username, second.username]).toEqual(['root', 'root']);
    expect(bench.log.messages('warn')).toEqual([
      `Private key "${path}" is open to other users of this host: set its mode to 0600`,
    ]);
  });
});
