import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Deferred } from '../../../src/gearman/deferred.ts';
import type { AssignedJob } from '../../../src/gearman/job-handler.ts';
import type { JobProgress } from '../../../src/gearman/submitted-job.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { type Gearmand, startGearmand } from '../../peers/gearmand.ts';
import { anAbraxas, connected } from './abraxas-peer.ts';
import { RealBench, showOutcome } from './real-bench.ts';

const LIMIT_MS = 20_000;
/** abraxas hangs on 65 bytes and more, and throws on 64. */
const NAMES = ['plain', 'build:unit tests (slow):centos6', 'é:ü', 'x'.repeat(63)];

describe('abraxas through gearmand', { timeout: LIMIT_MS }, () => {
  let server: Gearmand;
  beforeAll(async () => {
    server = await startGearmand();
  });
  afterAll(async () => {
    await server.stop();
  });

  test.each(NAMES)('its worker answers our client: %s', async (name) => {
    await using bench = new RealBench();
    using peer = anAbraxas(server);
    peer.registerWorker(name, (task) => task.payload.toUpperCase());

    const outcome = await bench.client(server).submit(aJob(name, 'ä text'), neverAborted);

    expect(showOutcome(outcome)).toBe('completed Ä TEXT');
  });

  test('its worker streams, warns and fails for our client', async () => {
    await using bench = new RealBench();
    using peer = anAbraxas(server);
    peer.registerWorker('streams', (task) => {
      task.socket.workData(task.jobid, 'one');
      task.socket.workData(task.jobid, 'two');
      return 'done';
    });
    peer.registerWorker('fails', (task) => {
      task.socket.feature.exceptions = false;
      throw new Error('boom');
    });
    const client = bench.client(server);

    const streamed = await client.submit(aJob('streams'), neverAborted);
    expect(streamed.data.map(String)).toEqual(['one', 'two']);
    expect(showOutcome(streamed)).toBe('completed done');
    const progress: JobProgress[] = [];
    const request = { ...aJob('fails'), onProgress: (one: JobProgress) => progress.push(one) };
    expect(showOutcome(await client.submit(request, neverAborted))).toBe('failed');
    expect(progress.map((one) => ('data' in one ? `${one.type} ${one.data.toString()}` : one.type))).toEqual([
      expect.stringMatching(/^warning .*boom/s),
    ]);
  });

  test.each(NAMES)('its client gets our result: %s', async (name) => {
    await using bench = new RealBench();
    bench
      .worker(server)
      .register(name, (job) => Promise.resolve({ type: 'complete', result: `${job.data.toString()} ${job.unique}` }));
    using peer = anAbraxas(server);
    await connected(peer);

    expect(await peer.submitJob(name, { uniqueid: 'u1' }, 'ä')).toBe('ä u1');
  });

  test('its client gets our data, and sees our failure', async () => {
    await using bench = new RealBench();
    const worker = bench.worker(server);
    worker.register('our stream', (job) => {
      job.sendData('one ');
      job.sendData('two ');
      return Promise.resolve({ type: 'complete', result: 'end' });
    });
    worker.register('our failure', () => Promise.resolve({ type: 'fail' }));
    using peer = anAbraxas(server);
    await connected(peer);

    expect(await peer.submitJob('our stream', {}, '')).toBe('one two end');
    await expect(Promise.resolve(peer.submitJob('our failure', {}, ''))).rejects.toThrow();
  });

  test('its background job is done by our worker', async () => {
    await using bench = new RealBench();
    const assigned = new Deferred<AssignedJob>();
    bench.worker(server).register('background', (job) => {
      assigned.resolve(job);
      return Promise.resolve({ type: 'complete', result: '' });
    });
    using peer = anAbraxas(server);
    await connected(peer);

    const handle = await peer.submitJobBg('background', { uniqueid: 'u2' }, 'later');

    const job = await assigned.promise;
    expect({ handle: job.handle, unique: job.unique, data: job.data.toString() }).toEqual({
      handle,
      unique: 'u2',
      data: 'later',
    });
  });

  test('its status shows our worker at work', async () => {
    await using bench = new RealBench();
    const assigned = new Deferred<AssignedJob>();
    bench.worker(server).register('shown to abraxas', (job) => {
      assigned.resolve(job);
      return new Promise(() => undefined);
    });
    const running = bench.client(server).submit(aJob('shown to abraxas'), neverAborted);
    running.catch(() => undefined); // closed with the bench
    await assigned.promise;
    using peer = anAbraxas(server);
    await connected(peer);

    const [status] = await peer.status();

    expect(status['shown to abraxas']).toMatchObject({ inqueue: 1, running: 1, workers: 1 });
  });
});

function aJob(name: string, data = '{}'): { function: string; data: string; deadlineMs: number } {
  return { function: name, data, deadlineMs: LIMIT_MS };
}
