import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deferred } from '../../../src/gearman/deferred.ts';
import { serverName } from '../../../src/gearman/gearman-server.ts';
import type { AssignedJob, JobReport } from '../../../src/gearman/job-handler.ts';
import { QueueStatusSource } from '../../../src/gearman/queue-status-source.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { type Gearmand, startGearmand } from '../../peers/gearmand.ts';
import { RealBench, showOutcome } from './real-bench.ts';

const LIMIT_MS = 20_000;
const COMPLETE: JobReport = { type: 'complete', result: 'done' };

describe('with one gearmand', { timeout: LIMIT_MS }, () => {
  let server: Gearmand;
  beforeAll(async () => {
    server = await startGearmand();
  });
  afterAll(async () => {
    await server.stop();
  });

  test.each([
    ['text', 'a text'],
    ['nothing', ''],
    ['NULs', '\0a\0\0b\0'],
    ['UTF-8', 'é:ü'],
    ['16 MiB', 'x'.repeat(16 * 1024 * 1024)],
  ])('%s go through a worker and back', async (what, data) => {
    await using bench = new RealBench();
    const name = `echo ${what}`;
    bench.worker(server).register(name, (job) => Promise.resolve({ type: 'complete', result: job.data }));

    const outcome = await bench.client(server).submit(aJob(name, data), neverAborted);

    expect(outcome.type === 'completed' && outcome.result.toString() === data).toBe(true);
  });

  test.each(['build:unit tests (slow):centos6', 'é:ü', 'x'.repeat(512)])('function %s works', async (name) => {
    await using bench = new RealBench();
    bench.worker(server).register(name, (job) => Promise.resolve({ type: 'complete', result: job.function }));

    const outcome = await bench.client(server).submit(aJob(name), neverAborted);

    expect(showOutcome(outcome)).toBe(`completed ${name}`);
    const { rows } = await bench.admin(server).status(neverAborted);
    expect(rows.find((row) => row.name === name)).toEqual({ name, total: 0, running: 0, workers: 1 });
  });

  test('data, failure and exception reach the client', async () => {
    await using bench = new RealBench();
    const worker = bench.worker(server);
    worker.register('streams', (job) => {
      job.sendData('one');
      job.sendStatus(1, 2);
      job.sendData('two');
      return Promise.resolve(COMPLETE);
    });
    worker.register('fails', () => Promise.resolve({ type: 'fail' }));
    worker.register('throws', () => Promise.reject(new Error('Cannot: é')));
    const client = bench.client(server);

    const streamed = await client.submit(aJob('streams'), neverAborted);
    expect(streamed.data.map(String)).toEqual(['one', 'two']);
    expect(showOutcome(await client.submit(aJob('fails'), neverAborted))).toBe('failed');
    expect(showOutcome(await client.submit(aJob('throws'), neverAborted))).toBe('exception Cannot: é');
  });

  test('a function may be withdrawn by its own job: the result still arrives', async () => {
    await using bench = new RealBench();
    const worker = bench.worker(server);
    worker.register('image-delete:7', () => {
      worker.withdraw('image-delete:7');
      return Promise.resolve(COMPLETE);
    });
    const client = bench.client(server);

    expect(showOutcome(await client.submit(aJob('image-delete:7'), neverAborted))).toBe('completed done');

    worker.register('after', () => Promise.resolve(COMPLETE)); // its job is answered after the withdrawal
    await client.submit(aJob('after'), neverAborted);
    const { rows } = await bench.admin(server).status(neverAborted);
    expect(rows.find((row) => row.name === 'image-delete:7')).toMatchObject({ total: 0, running: 0, workers: 0 });
  });

  test('a job that waits is found by a sleeping worker that offers its function later', async () => {
    await using bench = new RealBench();
    const worker = bench.worker(server);
    worker.register('first', () => Promise.resolve(COMPLETE));
    const client = bench.client(server);
    await client.submit(aJob('first'), neverAborted);
    const waiting = client.submit(aJob('offered later'), neverAborted);

    worker.register('offered later', () => Promise.resolve(COMPLETE));

    expect(showOutcome(await waiting)).toBe('completed done');
  });

  test('a worker that dies mid-job: another one gets the job, and the client one result', async () => {
    await using bench = new RealBench();
    const begun = new Deferred<AssignedJob>();
    const dying = bench.worker(server);
    dying.register('twice', (job) => {
      begun.resolve(job);
      return new Promise(() => undefined);
    });
    const running = bench.client(server).submit(aJob('twice'), neverAborted);
    const first = await begun.promise;

    await dying.close();
    bench
      .worker(server)
      .register('twice', (job) => Promise.resolve({ type: 'complete', result: `again ${job.handle}` }));

    expect(showOutcome(await running)).toBe(`completed again ${first.handle}`);
  });

  test('cancelling a running job fails it, and the late result does no harm', async () => {
    await using bench = new RealBench();
    const begun = new Deferred<AssignedJob>();
    const work = new Deferred<JobReport>();
    bench.worker(server).register('cancelled', (job) => {
      begun.resolve(job);
      return work.promise;
    });
    const running = bench.client(server).submit(aJob('cancelled'), neverAborted);
    const { handle } = await begun.promise;
    const admin = bench.admin(server);

    expect(await admin.cancelJob(handle, neverAborted)).toBe(true);

    expect(showOutcome(await running)).toBe('failed');
    work.resolve(COMPLETE);
    expect(await admin.cancelJob('H:nobody:9999', neverAborted)).toBe(false);
  });

  test('admin tells version, workers and jobs', async () => {
    await using bench = new RealBench();
    const begun = new Deferred<AssignedJob>();
    bench.worker(server).register('shown', (job) => {
      begun.resolve(job);
      return new Promise(() => undefined);
    });
    const running = bench.client(server).submit(aJob('shown'), neverAborted);
    running.catch(() => undefined); // closed with the bench
    const job = await begun.promise;
    const admin = bench.admin(server);

    expect(await admin.version(neverAborted)).toMatch(/^1\.1\./);
    const workers = await admin.workers(neverAborted);
    expect(workers.rows.map((row) => row.clientId)).toEqual(expect.arrayContaining(['our-worker', 'nodepool', '-']));
    const jobs = await admin.showJobs(neverAborted);
    expect(jobs.rows.map((row) => row.handle)).toContain(job.handle);
    const status = await admin.status(neverAborted);
    expect(status.rows.find((row) => row.name === 'shown')).toMatchObject({ total: 1, running: 1, workers: 1 });
  });

  test('a full queue refuses the job, and the error says why', async () => {
    await using bench = new RealBench();
    const begun = new Deferred<AssignedJob>();
    bench.worker(server).register('limited', (job) => {
      begun.resolve(job);
      return new Promise(() => undefined);
    });
    const client = bench.client(server);
    const jobs = [client.submit(aJob('limited'), neverAborted)];
    await begun.promise; // gearmand limits only functions that it knows
    await limitQueue(server, 'limited');
    jobs.push(client.submit(aJob('limited'), neverAborted), client.submit(aJob('limited'), neverAborted));
    for (const job of jobs) job.catch(() => undefined); // one of them waits until the bench is closed

    await expect(Promise.race(jobs)).rejects.toThrow('QUEUE_ERROR: Job queue is full');
  });
});

test('gearmand killed mid-job: the job is disconnected, the worker comes back', { timeout: LIMIT_MS }, async () => {
  await using bench = new RealBench();
  const server = await startGearmand();
  bench.worker(server).register('f', () => Promise.resolve(COMPLETE));
  bench.worker(server).register('hangs', (job) => {
    job.sendData('begun');
    return new Promise((_, reject) => {
      job.disconnected.addEventListener('abort', () => {
        reject(new Error('Gave up with the connection'));
      });
    });
  });
  const client = bench.client(server);
  const begun = new Deferred<undefined>();
  const onProgress = (): void => {
    begun.resolve(undefined);
  };
  const running = client.submit({ ...aJob('hangs'), onProgress }, neverAborted);
  await begun.promise; // the client knows that it was taken

  await server.kill();
  expect(showOutcome(await running)).toBe('disconnected');

  await using _again = await startGearmand({ port: server.port });
  expect(showOutcome(await client.submit(aJob('f'), neverAborted))).toBe('completed done');
});

test('demand is read from all servers; one that was killed keeps its last word', { timeout: LIMIT_MS }, async () => {
  await using bench = new RealBench();
  await using first = await startGearmand();
  await using second = await startGearmand();
  const begun = new Deferred<AssignedJob>();
  bench.worker(second).register('build:unit:centos6', (job) => {
    begun.resolve(job);
    return new Promise(() => undefined);
  });
  const running = bench.client(second).submit(aJob('build:unit:centos6'), neverAborted);
  running.catch(() => undefined); // its server is killed
  await begun.promise;
  const source = new QueueStatusSource([first, second], bench);
  const read = async (): Promise<unknown[]> =>
    (await source.read(neverAborted)).servers.map((one) => [one.server, one.state, one.functions]);
  const functions = [{ name: 'build:unit:centos6', total: 1, running: 1, workers: 1 }];

  const before = await read();
  await second.kill();
  const after = await read();
  source.close();

  expect(before).toEqual([
    [serverName(first), 'fresh', []],
    [serverName(second), 'fresh', functions],
  ]);
  expect(after).toEqual([
    [serverName(first), 'fresh', []],
    [serverName(second), 'kept', functions],
  ]);
});

function aJob(name: string, data = '{}'): { function: string; data: string; deadlineMs: number } {
  return { function: name, data, deadlineMs: LIMIT_MS };
}

/** Lets the function's queue hold one job; our own admin has no need of this command. */
async function limitQueue(server: Gearmand, name: string): Promise<void> {
  const socket = connect(server.port, server.host);
  socket.write(`maxqueue ${name} 1\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  expect(answer.toString().trim()).toBe('OK');
}
