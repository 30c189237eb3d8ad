import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { type Gearmand, startGearmand } from '../../peers/gearmand.ts';
import { RealBench, showOutcome } from './real-bench.ts';

const LIMIT_MS = 20_000;
const run = promisify(execFile);

// The C library's own client, worker and admin: Debian package gearman-tools.
describe('gearman and gearadmin through gearmand', { timeout: LIMIT_MS }, () => {
  let server: Gearmand;
  beforeAll(async () => {
    server = await startGearmand();
  });
  afterAll(async () => {
    await server.stop();
  });
  const at = (): string[] => ['-h', server.host, '-p', String(server.port)];

  test('its worker answers our client', async () => {
    await using bench = new RealBench();
    await using _tool = running(spawn('gearman', [...at(), '-w', '-f', 'tool work', '--', 'tr', 'a-z', 'A-Z']));

    const outcome = await bench.client(server).submit(aJob('tool work', 'a text'), neverAborted);

    // It streams what the command prints, and completes with nothing or with the same again, by version.
    expect(outcome.type).toBe('completed');
    expect([...outcome.data.map(String), showOutcome(outcome)].join()).toContain('A TEXT');
  });

  test('its worker fails for our client when the command does', async () => {
    await using bench = new RealBench();
    await using _tool = running(spawn('gearman', [...at(), '-w', '-f', 'tool fails', '--', 'false']));

    const outcome = await bench.client(server).submit(aJob('tool fails'), neverAborted);

    expect(outcome.type).toBe('failed');
  });

  test('its client gets our data and result', async () => {
    await using bench = new RealBench();
    bench.worker(server).register('our work', (job) => {
      job.sendData('one ');
      return Promise.resolve({ type: 'complete', result: job.data.toString().toUpperCase() });
    });

    const { stdout } = await run('gearman', [...at(), '-f', 'our work', 'a text']);

    expect(stdout).toBe('one A TEXT');
  });

  test('its client sees our failure', async () => {
    await using bench = new RealBench();
    bench.worker(server).register('our failure', () => Promise.resolve({ type: 'fail' }));

    await expect(run('gearman', [...at(), '-f', 'our failure', 'a text'])).rejects.toThrow();
  });

  test('its status shows our worker', async () => {
    await using bench = new RealBench();
    const worker = bench.worker(server);
    worker.register('shown', () => Promise.resolve({ type: 'complete', result: '' }));
    await bench.client(server).submit(aJob('shown'), neverAborted); // the worker is known from here on

    const { stdout } = await run('gearadmin', [...at(), '--status']);

    expect(stdout.split('\n')).toContain('shown\t0\t0\t1');
  });
});

function aJob(name: string, data = '{}'): { function: string; data: string; deadlineMs: number } {
  return { function: name, data, deadlineMs: LIMIT_MS };
}

/** A program that is ended with its test. */
function running(child: ChildProcess): AsyncDisposable {
  const gone = once(child, 'exit');
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
