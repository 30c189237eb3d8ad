import { spawn } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { type FarmFolder, isAlive } from './farm-folder.ts';
import { pollUntil } from './poll-until.ts';

export type RunningGearmand = { readonly pid: number; readonly port: number };

const START_MS = 10_000;

/** Starts a real gearmand that outlives us, or takes over the one that an earlier process started. */
export async function ensureGearmand(
  folder: FarmFolder,
  before: RunningGearmand | undefined,
): Promise<RunningGearmand> {
  if (before !== undefined && isAlive(before.pid, 'gearmand')) return before;
  const port = before?.port ?? (await freePort());
  const log = openSync(join(folder.root, 'gearmand.log'), 'a');
  const child = spawn('gearmand', ['--listen=127.0.0.1', `--port=${port}`, '--log-file=stderr', '--verbose=ERROR'], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (error) => {
      reject(new Error(`Cannot start gearmand (Debian package gearman-job-server): ${error.message}`));
    });
    child.once('exit', (status) => {
      reject(new Error(`gearmand ended with status ${status ?? 'unknown'}, see ${folder.root}/gearmand.log`));
    });
  });
  await Promise.race([failed, untilListening(port)]);
  child.removeAllListeners('exit');
  child.unref();
  return { pid: child.pid ?? 0, port };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  if (address === null || typeof address === 'string') throw new Error('No free port was given');
  return address.port;
}

async function untilListening(port: number): Promise<void> {
  const listens = await pollUntil(START_MS, async () => ((await answers(port)) ? true : undefined));
  if (listens === undefined) throw new Error(`gearmand does not listen on port ${port} after ${START_MS / 1000} s`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => {
      end(true);
    });
    socket.once('error', () => {
      end(false);
    });
  });
}
