import { expect, test } from 'vitest';
import { Deferred } from '../../src/gearman/deferred.ts';
import { GearmanWorker } from '../../src/gearman/gearman-worker.ts';
import type { AssignedJob, JobHandler, JobReport } from '../../src/gearman/job-handler.ts';
import { GearmanBench } from './gearman-bench.ts';
import { ScriptedServer } from './scripted-server.ts';
import { asleep, assign, grabbing } from './worker-questions.ts';

const COMPLETE: JobReport = { type: 'complete', result: 'done' };
const complete: JobHandler = () => Promise.resolve(COMPLETE);

test('one connection per client id and server, each with its name', async () => {
  await using first = await ScriptedServer.start();
  await using second = await ScriptedServer.start();
  await using _rig = aRig([first, second], ['w1', 'w2']);

  for (const server of [first, second]) {
    const names = await Promise.all([1, 2].map(async () => (await server.connection()).readPackets(1)));
    expect(names.flat().sort()).toEqual(['SET_CLIENT_ID w1', 'SET_CLIENT_ID w2']);
  }
});

test('a lost connection is opened again after a second or so and registers anew', async () => {
  await using server = await ScriptedServer.start();
  await using rig = aRig([server]);
  rig.worker.register('f', complete);
  const lost = await asleep(server);
  lost.reset();
  await rig.bench.untilWaitingOn(/next try/);

  await rig.bench.clock.advance(1_334);

  const connection = await server.connection();
  expect(await connection.readPackets(3)).toEqual(['SET_CLIENT_ID w1', 'CAN_DO f', 'GRAB_JOB_UNIQ']);
});

test('a server that accepts and closes is tried ever more seldom, at most each 30 s', async () => {
  await using server = await ScriptedServer.start();
  await using rig = aRig([server]);
  const waits: number[] = [];
  for (let turn = 0; turn < 7; turn += 1) {
    (await server.connection()).reset();
    const ms = Number(/in (\d+) ms/.exec(await rig.bench.untilWaitingOn(/next try/))?.[1]);
    waits.push(ms);
    await rig.bench.clock.advance(ms);
  }

  expect(waits).toEqual([1_334, 2_668, 5_336, 10_672, 21_344, 30_000, 30_000]);
});

test('a result is never sent on a later connection: handles start at 1 again on each', async () => {
  await using server = await ScriptedServer.start();
  await using rig = aRig([server]);
  const work = new Deferred<JobReport>();
  const jobs = new Deferred<AssignedJob>();
  rig.worker.register('f', (job) => {
    jobs.resolve(job);
    return work.promise;
  });
  const lost = await grabbing(server);
  assign(lost);
  const job = await jobs.promise;
  lost.reset();
  await aborted(job.disconnected);
  job.sendData('nobody hears this');

  work.resolve(COMPLETE);
  await rig.bench.untilWaitingOn(/next try/);
  await rig.bench.clock.advance(1_334);

  const connection = await server.connection();
  expect(await connection.readPackets(3)).toEqual(['SET_CLIENT_ID w1', 'CAN_DO f', 'GRAB_JOB_UNIQ']);
  connection.sendPacket('NO_JOB', []);
  expect(await connection.readPackets(1)).toEqual(['PRE_SLEEP']);
  expect(rig.bench.log.messages('warn')).toContain('Report of a Gearman job is dropped: its connection was lost');
});

test('one slot never has two jobs, even when two servers have some', async () => {
  await using first = await ScriptedServer.start();
  await using second = await ScriptedServer.start();
  await using rig = aRig([first, second]);
  const work = new Deferred<JobReport>();
  const servers: string[] = [];
  rig.worker.register('f', (job) => {
    servers.push(job.server);
    return work.promise;
  });
  const busy = await grabbing(first);
  const waiting = await second.connection();
  await waiting.readPackets(2);
  assign(busy);
  waiting.sendPacket('NOOP', []);

  work.resolve(COMPLETE);
  expect(await busy.readPackets(1)).toEqual(['WORK_COMPLETE H:vm:1|done']);
  expect(await waiting.readPackets(1)).toEqual(['GRAB_JOB_UNIQ']);
  assign(waiting);

  expect(await waiting.readPackets(1)).toEqual(['WORK_COMPLETE H:vm:1|done']);
  expect(servers).toEqual([first.name, second.name]);
});

test('a server that hangs is left after 30 s, so that the other one gets its turn', async () => {
  await using hanging = await ScriptedServer.start();
  await using up = await ScriptedServer.start();
  await using rig = aRig([hanging, up]);
  const stuck = await grabbing(hanging);
  const other = await up.connection();
  await other.readPackets(1);
  await rig.bench.untilWaitingOn(/answer to GRAB/);

  await rig.bench.clock.advance(30_000);

  await stuck.ended();
  expect(await other.readPackets(1)).toEqual(['GRAB_JOB_UNIQ']);
});

test('a server that is down does not keep the worker from the other', async () => {
  await using down = await ScriptedServer.start();
  await using up = await ScriptedServer.start();
  await down.stop();
  await using rig = aRig([down, up]);
  rig.worker.register('f', complete);

  const connection = await grabbing(up);
  assign(connection);

  expect(await connection.readPackets(1)).toEqual(['WORK_COMPLETE H:vm:1|done']);
});

test('close stops the handler and gives the job back to the server by leaving it', async () => {
  await using server = await ScriptedServer.start();
  await using rig = aRig([server]);
  const signals = new Deferred<AbortSignal>();
  rig.worker.register('f', (_, signal) => {
    signals.resolve(signal);
    return new Promise(() => undefined);
  });
  const connection = await grabbing(server);
  assign(connection);
  const signal = await signals.promise;

  await rig.worker.close();

  expect(signal.aborted).toBe(true);
  await connection.ended();
  expect(connection.unread()).toHaveLength(0);
  expect(rig.bench.tasks.list()).toEqual([]);
});

test('after a change of servers the worker is at the new ones only', async () => {
  await using old = await ScriptedServer.start();
  await using kept = await ScriptedServer.start();
  await using fresh = await ScriptedServer.start();
  await using rig = aRig([old, kept]);
  const leaving = await old.connection();
  const staying = await kept.connection();

  rig.worker.setServers([kept.address, fresh.address]);

  await leaving.ended();
  expect(await (await fresh.connection()).readPackets(1)).toEqual(['SET_CLIENT_ID w1']);
  rig.worker.register('f', complete);
  expect(await staying.readPackets(2)).toContain('SET_CLIENT_ID w1');
});

type Rig = AsyncDisposable & { readonly bench: GearmanBench; readonly worker: GearmanWorker };

function aRig(servers: readonly ScriptedServer[], clientIds: readonly string[] = ['w1']): Rig {
  const bench = new GearmanBench();
  const worker = new GearmanWorker({ servers: servers.map((server) => server.address), clientIds }, bench);
  return { bench, worker, [Symbol.asyncDispose]: () => worker.close() };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
