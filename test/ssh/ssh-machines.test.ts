import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Credential, Login, OpenOptions, RemoteSession } from '../../src/provider/remote-machine.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { SshMachines } from '../../src/ssh/ssh-machines.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
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

describe('a machine that boots', () => {
  test.each<{ how: string } & SshScript>([
    { how: 'resets', onSocket: (socket, count) => count > 2 || (socket.resetAndDestroy(), false) },
    { how: 'hangs up', onSocket: (socket, count) => count > 2 || (socket.end(), false) },
    {
      how: 'speaks no SSH',
      onSocket: (socket, count) => count > 2 || (socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), false),
    },
    {
      how: 'hangs up after its greeting',
      onSocket: (socket, count) => count > 2 || (socket.end('SSH-2.0-boot\r\n'), false),
    },
  ])('and $how is tried again every 2 s', async ({ onSocket }) => {
    await serve(onSocket ? { onSocket } : {});

    await using session = await open();

    expect(session.username).toBe('root');
    expect(clock.waits).toEqual([2000, 2000]);
  });

  test('and knows our key only later is tried again, for accounts appear late', async () => {
    let refusals = 2;
    await serve({ accept: () => (refusals -= 1) < 0 });

    await using session = await open();

    expect(session.hostKey).toBe(server.hostKey);
    expect(clock.waits).toEqual([2000, 2000]);
  });

  test('and drops the connection at the first command is tried again', async () => {
    await serve({
      onExec: (command, channel) => {
        if (server.connections > 1) answer(command, channel);
        else hangUp();
      },
    });
    const hangUp = (): void => {
      for (const socket of server.sockets) socket.destroy();
    };

    await using session = await open();

    expect(session.username).toBe('root');
  });

  test('and never answers is given up after the timeout; the error tells the last fault', async () => {
    await serve();
    const port = server.port;
    await server[Symbol.asyncDispose]();

    const failure = open({ port }, { timeoutMs: 1_700 });

    await expect(failure).rejects.toThrow('Timeout waiting for ssh access to root@127.0.0.1 (1.7 s)');
    await expect(failure).rejects.toMatchObject({
      cause: { fault: 'connection', message: `Cannot reach root@127.0.0.1:${port}: connection refused` },
    });
    expect(clock.waits).toEqual([500, 500, 500, 200]); // sooner than 2 s: no sshd was bothered
    await serve();
  });

  test('and keeps silent is left after a while and tried anew', async () => {
    const silent = new FakeClock();
    let heard: Promise<unknown> = Promise.resolve();
    await serve({
      onSocket: (socket, count) => {
        if (count === 1) heard = once(socket, 'data');
        return count > 1;
      },
    });

    const opening = open({}, {}, silent);
    await silent.untilSleeping();
    while (server.connections === 0) await once(server.listener, 'connection');
    await heard;
    await silent.advance(30_000);
    await silent.untilSleeping();
    await silent.advance(2_000);
    await using session = await opening;

    expect(session.username).toBe('root');
    expect(server.connections).toBe(2);
  });
});

describe('a host key', () => {
  test('that is the known one is accepted', async () => {
    await serve();

    await using session = await open({ hostKey: server.hostKey });

    expect(session.hostKey).toBe(server.hostKey);
  });

  test('that changed ends the login before any credential is shown, and without another try', async () => {
    await serve();

    const failure = open({ hostKey: 'sha256:another' });

    await expect(failure).rejects.toMatchObject({ name: 'RemoteError', fault: 'host-key' });
    expect(server.attempts).toEqual([]);
    expect(clock.waits).toEqual([]);
  });
});

test('a failed login leaves no connection behind', async () => {
  await serve({ accept: () => false });

  await expect(open({}, { timeoutMs: 4_000 })).rejects.toThrow('Timeout');

  await server.untilDeserted();
  expect(server.sockets.size).toBe(0);
});

test('an aborted login ends at once with its connection', async () => {
  const stop = new AbortController();
  const shutDown = (): void => {
    stop.abort(new Error('shutting down'));
  };
  await serve({ onSocket: (socket) => (socket.once('data', shutDown), false) });
  const machines = new SshMachines({ clock, log, tasks: new TaskBoard(clock) });
  const login: Login = { host: '127.0.0.1', port: server.port, username: 'root', credentials: [KEY] };

  await expect(machines.open(login, { timeoutMs: 9_000 }, stop.signal)).rejects.toThrow('shutting down');

  await server.untilDeserted();
  expect(server.connections).toBe(1);
});
