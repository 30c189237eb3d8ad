import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const PROGRAM = '/usr/sbin/gearmand';
const PORT_TRIES = 5;

/** A real Gearman server on loopback. Dispose of it (`await using`), so that it ends with its test. */
export type Gearmand = AsyncDisposable & {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Ends it as an init system would; resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
  /** Ends it by SIGKILL; resolves when it is gone. Idempotent. */
  kill(): Promise<void>;
};

export type GearmandOptions = {
  /** Default: a free one. Give it to restart a server where it was. */
  readonly port?: number;
  /** Further arguments, e.g. `--job-retries=1`. */
  readonly args?: readonly string[];
};

/**
 * Starts gearmand and resolves when it listens.
 * @throws {Error} the package gearman-job-server is missing, or the port is taken
 */
export async function startGearmand(options: GearmandOptions = {}): Promise<Gearmand> {
  if (options.port !== undefined) return await startOn(options.port, options.args ?? []);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOn(await freePort(), options.args ?? []);
    } catch (error) {
      if (attempt === PORT_TRIES) throw error; // others may take a port between our look and gearmand's
    }
  }
}

async function startOn(port: number, args: readonly string[]): Promise<Gearmand> {
  const flags = ['--listen=127.0.0.1', `--port=${port}`, '--log-file=stderr', '--verbose=INFO', ...args];
  // As root gearmand wants to be told that it may stay so.
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const child = spawn(PROGRAM, [...flags, ...user], { stdio: ['ignore', 'ignore', 'pipe'] });
  const onExit = (): void => void child.kill('SIGKILL'); // also when the test run dies
  process.once('exit', onExit);
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => {
      resolve();
    });
    child.once('exit', () => {
      resolve();
    });
  }).finally(() => process.off('exit', onExit));
  await Promise.race([listening(child, port), gone.then(() => neverCameUp(port))]);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await gone;
  };
  return {
    host: '127.0.0.1',
    port,
    pid: child.pid ?? 0,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  };
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  if (child.stderr === null) throw new Error('gearmand has no stderr');
  const lines = createInterface({ input: child.stderr }); // read to the end: a full pipe would stop gearmand
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      if (line.includes(`Listening on 127.0.0.1:${port} `)) resolve();
    });
  });
}

function neverCameUp(port: number): never {
  throw new Error(`gearmand did not come up on port ${port}; is Debian's package gearman-job-server installed?`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo; // TCP: never a string
  probe.close();
  await once(probe, 'close');
  return port;
}
