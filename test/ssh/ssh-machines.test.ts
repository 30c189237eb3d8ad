import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Login } from '../../src/provider/remote-machine.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { SshMachines } from '../../src/ssh/ssh-machines.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { KEY, SshBench } from './ssh-bench.ts';
import { answer, type SshScript } from './scripted-ssh-server.ts';

let bench: SshBench;

beforeEach(() => {
  bench = new SshBench();
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

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
    await bench.serve(onSocket ? { onSocket } : {});

    await using session = await bench.open();

    expect(session.username).toBe('root');
    expect(bench.clock.waits).toEqual([2000, 2000]);
  });

  test('and knows our key only later is tried again, for accounts appear late', async () => {
    let refusals = 2;
    await bench.serve({ accept: () => (refusals -= 1) < 0 });

    await using session = await bench.open();

    expect(session.hostKey).toBe(bench.server.hostKey);
    expect(bench.clock.waits).toEqual([2000, 2000]);
  });

  test('and drops the connection at the first command is tried again', async () => {
    await bench.serve({
      onExec: (command, channel) => {
        if (bench.server.connections > 1) answer(command, channel);
        else hangUp();
      },
    });
    const hangUp = (): void => {
      for (const socket of bench.server.sockets) socket.destroy();
    };

    await using session = await bench.open();

    expect(session.username).toBe('root');
  });

  test('and never answers is given up after the timeout; the error tells the last fault', async () => {
    await bench.serve();
    const port = bench.server.port;
    await bench.server[Symbol.asyncDispose]();

    const failure = bench.open({ port }, { timeoutMs: 1_700 });

    await expect(failure).rejects.toThrow('Timeout waiting for ssh access to root@127.0.0.1 (1.7 s)');
    await expect(failure).rejects.toMatchObject({
      cause: { fault: 'connection', message: `Cannot reach root@127.0.0.1:${port}: connection refused` },
    });
    expect(bench.clock.waits).toEqual([500, 500, 500, 200]); // sooner than 2 s: no sshd was bothered
    await bench.serve();
  });

  test('and keeps silent is left after a while and tried anew', async () => {
    const silent = new FakeClock();
    let heard: Promise<unknown> = Promise.resolve();
    await bench.serve({
      onSocket: (socket, count) => {
        if (count === 1) heard = once(socket, 'data');
        return count > 1;
      },
    });

    const opening = bench.open({}, {}, silent);
    await silent.untilSleeping();
    while (bench.server.connections === 0) await once(bench.server.listener, 'connection');
    await heard;
    await silent.advance(30_000);
    await silent.untilSleeping();
    await silent.advance(2_000);
    await using session = await opening;

    expect(session.username).toBe('root');
    expect(bench.server.connections).toBe(2);
  });
});

describe('a host key', () => {
  test('that is the known one is accepted', async () => {
    await bench.serve();

    await using session = await bench.open({ hostKey: bench.server.hostKey });

    expect(session.hostKey).toBe(bench.server.hostKey);
  });

  test('that changed ends the login before any credential is shown, and without another try', async () => {
    await bench.serve();

    const failure = bench.open({ hostKey: 'sha256:another' });

    await expect(failure).rejects.toMatchObject({ name: 'RemoteError', fault: 'host-key' });
    expect(bench.server.attempts).toEqual([]);
    expect(bench.clock.waits).toEqual([]);
  });
});

test('a failed login leaves no connection behind', async () => {
  await bench.serve({ accept: () => false });

  await expect(bench.open({}, { timeoutMs: 4_000 })).rejects.toThrow('Timeout');

  await bench.server.untilDeserted();
  expect(bench.server.sockets.size).toBe(0);
});

test('an aborted login ends at once with its connection', async () => {
  const stop = new AbortController();
  const shutDown = (): void => {
    stop.abort(new Error('shutting down'));
  };
  await bench.serve({ onSocket: (socket) => (socket.once('data', shutDown), false) });
  const machines = new SshMachines({ clock: bench.clock, log: bench.log, tasks: new TaskBoard(bench.clock) });
  const login: Login = { host: '127.0.0.1', port: bench.server.port, username: 'root', credentials: [KEY] };

  await expect(machines.open(login, { timeoutMs: 9_000 }, stop.signal)).rejects.toThrow('shutting down');

  await bench.server.untilDeserted();
  expect(bench.server.connections).toBe(1);
});
