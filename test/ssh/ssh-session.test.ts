import { once } from 'node:events';
import { type ServerChannel } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RemoteSession, RunOptions } from '../../src/provider/remote-machine.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { SshMachines } from '../../src/ssh/ssh-machines.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { answer, ScriptedSshServer } from './scripted-ssh-server.ts';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';

const KEY = new Secret(makeSshKeyPair().private);
const OPTIONS: RunOptions = { name: 'ready script', timeoutMs: 60_000 };

let clock: FakeClock;
let tasks: TaskBoard;
let server: ScriptedSshServer;
let session: RemoteSession;
/** What the machine does when a command has begun. */
let onCommand: (channel: ServerChannel) => void;

beforeEach(async () => {
  clock = new FakeClock();
  tasks = new TaskBoard(clock);
  server = await ScriptedSshServer.start({
    onExec: (command, channel) => {
      if (command === 'echo access okay') answer(command, channel);
      else onCommand(channel);
    },
  });
  session = await new SshMachines({ clock, log: new RecordingLogger(), tasks }).open(
    { host: '127.0.0.1', port: server.port, username: 'root', credentials: [{ kind: 'key', privateKey: KEY }] },
    { timeoutMs: 60_000 },
    neverAborted,
  );
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

/** A function, and a promise that its first call fulfils. */
function firstCall(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

describe('a command', () => {
  test('whose machine vanishes is an error that names the command, not a result', async () => {
    onCommand = () => {
      for (const socket of server.sockets) socket.destroy();
    };

    const run = session.run('./ready', OPTIONS, neverAborted);

    await expect(run).rejects.toMatchObject({ name: 'RemoteError', fault: 'connection' });
    await expect(run).rejects.toThrow('broke during ready script');
    expect(tasks.list()).toEqual([]);
  });

  test('that fails is a result with its status and the tail of its output', async () => {
    onCommand = (channel) => {
      channel.write('no space left\n');
      channel.exit(28);
      channel.end();
    };

    expect(await session.run('./ready', OPTIONS, neverAborted)).toEqual({
      status: 28,
      signal: undefined,
      tail: 'no space left',
    });
  });

  test('that takes too long is cut off and its channel closed', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    onCommand = (channel) => {
      closed = once(channel.resume(), 'close');
      channel.write('working\n');
    };
    const working = firstCall();

    const run = session.run('./ready', { ...OPTIONS, onLine: working.resolve }, neverAborted);
    await working.promise;
    await clock.advance(60_000);

    await expect(run).rejects.toThrow(/Timeout waiting for root@127.0.0.1:\d+: ready script \(60 s\)/);
    await closed;
  });

  test('is shown on the task board while it runs', async () => {
    let names: string[] = [];
    onCommand = (channel) => {
      names = tasks.list().map((task) => `${task.name} waits on ${String(task.waitsOn)}`);
      channel.exit(0);
      channel.end();
    };

    await session.run('./ready', OPTIONS, neverAborted);

    const where = `root@127.0.0.1:${server.port}`;
    expect(names).toEqual([`SSH ${where}: ready script waits on ${where}`]);
  });

  test('that is over does not wait for a daemon that holds its output open', async () => {
    onCommand = (channel) => {
      channel.write('started\n');
      channel.exit(0); // and no end
    };
    const started = firstCall();

    const run = session.run('./ready', { ...OPTIONS, onLine: started.resolve }, neverAborted);
    await started.promise;
    await clock.untilSleeping(2); // the command's deadline, and the wait for late output
    await clock.advance(5_000);

    expect(await run).toMatchObject({ status: 0, tail: 'started' });
  });

  test('whose lines cannot be taken ends with that error instead of ending the process', async () => {
    onCommand = (channel) => {
      channel.write('one\ntwo\n');
    };
    const onLine = (): void => {
      throw new Error('Log disk is full');
    };

    await expect(session.run('./ready', { ...OPTIONS, onLine }, neverAborted)).rejects.toThrow('Log disk is full');
  });

  test('whose output is one endless line is cut, so it cannot fill the memory', async () => {
    onCommand = (channel) => {
      channel.write(Buffer.alloc(300_000, 'x'));
      channel.write('\nlast\n');
      channel.exit(0);
      channel.end();
    };
    const lines: string[] = [];

    const { tail } = await session.run('./ready', { ...OPTIONS, onLine: (line) => lines.push(line) }, neverAborted);

    expect(lines.map((line) => line.length)).toEqual([4096, 4]);
    expect(tail).toBe('last');
  });

  test('is cut off when the caller is', async () => {
    const stop = new AbortController();
    onCommand = () => {
      stop.abort(new Error('shutting down'));
    };

    await expect(session.run('./ready', OPTIONS, stop.signal)).rejects.toThrow('shutting down');
  });
});

describe('a connection', () => {
  test('that breaks while nobody uses it does not end the process, and says so later', async () => {
    await Promise.all([...server.sockets].map((socket) => once(socket.resetAndDestroy(), 'close')));

    await expect(session.run('./ready', OPTIONS, neverAborted)).rejects.toMatchObject({ fault: 'connection' });
    await expect(session.writeFile('/x', '', {}, neverAborted)).rejects.toMatchObject({ fault: 'connection' });
    await session[Symbol.asyncDispose]();
  });

  test('whose machine starts to speak nonsense does not end the process either', async () => {
    for (const socket of server.sockets) socket.write('garbage'.repeat(100));

    await expect(session.run('./ready', OPTIONS, neverAborted)).rejects.toMatchObject({ fault: 'connection' });
  });

  test('to a machine without SFTP fails at the first file', async () => {
    await expect(session.writeFile('/etc/nodepool/role', 'primary\n', {}, neverAborted)).rejects.toMatchObject({
      name: 'RemoteError',
    });
  });

  test('is gone when the session is disposed', async () => {
    await session[Symbol.asyncDispose]();

    await server.untilDeserted();
    expect(server.sockets.size).toBe(0);
  });

  test('is dropped after a moment if the machine does not say goodbye', async () => {
    for (const socket of server.sockets) socket.pause();

    const disposing = session[Symbol.asyncDispose]();
    await clock.untilSleeping();
    await clock.advance(2_000);
    await disposing;

    for (const socket of server.sockets) socket.resume();
    await server.untilDeserted();
    expect(server.sockets.size).toBe(0);
  });
});
