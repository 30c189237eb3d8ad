import { spawn } from 'node:child_process';
import { createServer, connect } from 'node:net';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type FarmFolder, type GearmandRecord, isAlive, readGearmand, writeGearmand } from './farm-folder.ts';
import { pollUntil } from './poll-until.ts';

const START_MS = 10_000;

/** Starts a real gearmand that outlives us, or takes over the one that an earlier process of this folder started. */
export async function ensureGearmand(folder: FarmFolder): Promise<GearmandRecord> {
  const before = findGearmand(folder);
  if (before !== undefined) return before;
  const port = readGearmand(folder)?.port ?? (await freePort());
  const log = openSync(join(folder.root, 'gearmand.log'), 'a');
  const words = ['--listen=127.0.0.1', portWord(port), '--log-file=stderr', '--verbose=ERROR'];
  const child = spawn('gearmand', words, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  });
  closeSync(log);
  const record = { pid: child.pid ?? 0, port };
  writeGearmand(folder, record); // before anything waits: who ends the farm must find it
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
  return record;
}

/** The gearmand of this folder, if it lives. */
export function findGearmand(folder: FarmFolder): GearmandRecord | undefined {
  const record = readGearmand(folder);
  return record !== undefined && isAlive(record.pid, 'gearmand', portWord(record.port)) ? record : undefined;
}

function portWord(port: number): string {
  return `--port=${port}`;
}

async function freePort(): Promise<number> {
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
