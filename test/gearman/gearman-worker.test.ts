import { describe, expect, test } from 'vitest';
import { Deferred } from '../../src/gearman/deferred.ts';
import { GearmanWorker } from '../../src/gearman/gearman-worker.ts';
import type { AssignedJob, JobHandler, JobReport } from '../../src/gearman/job-handler.ts';
import { GearmanBench } from './gearman-bench.ts';
import { type ScriptedConnection, ScriptedServer } from './scripted-server.ts';
import { asleep, assign, grabbing } from './worker-questions.ts';
import { received, sent } from './transcript.ts';

const COMPLETE: JobReport = { type: 'complete', result: '' };
const complete: JobHandler = () => Promise.resolve(COMPLETE);

describe('recorded workers', () => {
  const NAMES = ['build:gate-unit', 'build:gate-unit:centos6', 'build:unit tests (slow):centos6'];
  const worker = (type: string, holding?: string): Buffer =>
    sent(type === 'CAN_DO' || type === 'GRAB_JOB_UNIQ' || type === 'SET_CLIENT_ID' ? 2 : 3, 'worker', {
      type,
      ...(holding === undefined ? {} : { holding }),
    });

  test('cases 2 and 3: registers, sleeps, is woken, works and reports, byte for byte', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server], { clientId: 'centos6-7_exec-0' });
    const jobs: AssignedJob[] = [];
    for (const name of NAMES) {
      rig.worker.register(name, (job) => {
        jobs.push(job);
        job.sendData('{"name":"gate-unit","number":5,"manager":"192.0.2.2"}');
        job.sendStatus(3, 3999);
        return Promise.resolve({ type: 'complete', result: '{"result":"SUCCESS","number":5}' });
      });
    }
    const connection = await server.connection();

    await expectBytes(connection, [
      worker('SET_CLIENT_ID'),
      ...NAMES.map((name) => canDo(name)),
      worker('GRAB_JOB_UNIQ'),
    ]);
    connection.send(...received(2, 'worker', ['NO_JOB']));
    await expectBytes(connection, [sent(2, 'worker', { type: 'PRE_SLEEP' })]);
    connection.send(...received(3, 'worker', ['NOOP']));
    await expectBytes(connection, [worker('GRAB_JOB_UNIQ')]);
    connection.send(...received(3, 'worker', ['JOB_ASSIGN_UNIQ']));
    await expectBytes(connection, [
      worker('WORK_DATA'),
      worker('WORK_STATUS'),
      worker('WORK_COMPLETE'),
      worker('GRAB_JOB_UNIQ'),
    ]);
    expect(jobs).toMatchObject([{ function: NAMES[1], unique: '3f2a', handle: 'H:vm:1', server: server.name }]);
  });

  function canDo(name: string): Buffer {
    const end = Buffer.concat([Buffer.from([0, 0, 0, Buffer.byteLength(name)]), Buffer.from(name)]).toString();
    return worker('CAN_DO', end);
  }
});

describe('reports', () => {
  test.each([
    { number: 4, unique: 'f1', report: 'WORK_FAIL', work: () => Promise.resolve({ type: 'fail' } as const) },
    { number: 5, unique: 'e1', report: 'WORK_EXCEPTION', work: () => Promise.reject(new Error('Traceback: boom')) },
    { number: 7, unique: 'bg1', report: 'WORK_COMPLETE', work: complete },
  ])('case $number: $report, byte for byte, and nothing after it', async ({ number, unique, report, work }) => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    rig.worker.register('build:gate-unit', work);
    const connection = await grabbing(server);
    connection.send(...received(number, 'worker', ['JOB_ASSIGN_UNIQ']).filter((bytes) => bytes.includes(unique)));

    await expectBytes(connection, [sent(number, 'worker', { type: report })]);
    expect(await connection.readPackets(1)).toEqual(['GRAB_JOB_UNIQ']);
  });

  test('case 9: an empty result has its NUL, else gearmand cuts the connection', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    rig.worker.register('empty', complete);
    const connection = await grabbing(server);
    connection.send(...received(9, 'worker2', ['JOB_ASSIGN_UNIQ']).slice(0, 1));

    await expectBytes(connection, [sent(9, 'worker2', { type: 'WORK_COMPLETE', holding: 'H:vm:7\0' })]);
  });

  test('case 5: a refused report is logged and the worker goes on', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    rig.worker.register('f', complete);
    const connection = await grabbing(server);
    assign(connection);
    await connection.readPackets(2);
    connection.send(...received(5, 'worker', ['ERROR']));
    assign(connection);

    expect(await connection.readPackets(2)).toEqual(['WORK_COMPLETE H:vm:1|', 'GRAB_JOB_UNIQ']);
    expect(rig.bench.log.messages('warn')).toEqual(['Gearman server refused a packet of a worker']);
  });

  test('what a handler sends after its report is dropped, for the server would refuse it', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    const jobs: AssignedJob[] = [];
    rig.worker.register('f', (job) => {
      jobs.push(job);
      return Promise.resolve(COMPLETE);
    });
    const connection = await grabbing(server);
    assign(connection);
    expect(await connection.readPackets(2)).toEqual(['WORK_COMPLETE H:vm:1|', 'GRAB_JOB_UNIQ']);

    jobs[0]?.sendData('late');
    jobs[0]?.sendStatus(1, 1);
    connection.sendPacket('NO_JOB', []);

    expect(await connection.readPackets(1)).toEqual(['PRE_SLEEP']);
  });

  test('a job that was never offered fails, so that it does not stay for ever', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    const connection = await grabbing(server);
    assign(connection);

    expect(await connection.readPackets(2)).toEqual(['WORK_FAIL H:vm:1', 'GRAB_JOB_UNIQ']);
    expect(rig.bench.log.messages('warn')).toEqual(['Gearman server assigned a job that was not offered']);
  });

  test('a result that no packet holds becomes an exception', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    const result = Buffer.alloc(64 * 1024 * 1024);
    rig.worker.register('f', () => Promise.resolve({ type: 'complete', result }));
    const connection = await grabbing(server);
    assign(connection);

    const [report] = await connection.readPackets(1);
    expect(report).toBe('WORK_EXCEPTION H:vm:1|Cannot send a result of 67108864 bytes');
  });

  test('data and result may hold NULs', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    rig.worker.register('f', (job) => Promise.resolve({ type: 'complete', result: job.data }));
    const connection = await grabbing(server);
    connection.sendPacket('JOB_ASSIGN_UNIQ', ['H:vm:1', 'f', 'u', '\0a\0']);

    expect(await connection.readPackets(1)).toEqual(['WORK_COMPLETE H:vm:1|\0a\0']);
  });
});

describe('functions', () => {
  test('case 11: a function is withdrawn after its job ended, else gearmand requeues the job', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    rig.worker.register('empty', () => {
      rig.worker.withdraw('empty');
      return Promise.resolve(COMPLETE);
    });
    const connection = await grabbing(server);
    connection.send(...received(11, 'worker2', ['JOB_ASSIGN_UNIQ']).slice(0, 1));

    await expectBytes(connection, [
      sent(11, 'worker2', { type: 'WORK_COMPLETE', holding: 'H:vm:8\0' }),
      sent(11, 'worker2', { type: 'CANT_DO' }),
    ]);
  });

  test('a function is not withdrawn while the answer to a grab is due, for it may be that very job', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    rig.worker.register('f', complete);
    const connection = await grabbing(server);

    rig.worker.withdraw('f');
    assign(connection);

    expect(await connection.readPackets(3)).toEqual(['WORK_COMPLETE H:vm:1|', 'CANT_DO f', 'GRAB_JOB_UNIQ']);
  });

  test('a sleeping worker withdraws at once', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    rig.worker.register('f', complete);
    const connection = await asleep(server);

    rig.worker.withdraw('f');

    expect(await connection.readPackets(1)).toEqual(['CANT_DO f']);
  });

  test('a sleeping worker that offers something new asks at once, for jobs may wait and nobody wakes it', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    const connection = await asleep(server);

    rig.worker.register('new', complete);

    expect(await connection.readPackets(2)).toEqual(['CAN_DO new', 'GRAB_JOB_UNIQ']);
  });

  test('a handler offers more before its answer goes out: image-upload is there when image-build is done', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    rig.worker.register('f', () => {
      rig.worker.register('image-upload:14', complete);
      return Promise.resolve(COMPLETE);
    });
    const connection = await grabbing(server);
    assign(connection);

    expect(await connection.readPackets(2)).toEqual(['CAN_DO image-upload:14', 'WORK_COMPLETE H:vm:1|']);
  });

  test('offering the same function again is not told, because gearmand would count two workers', async () => {
    await using server = await ScriptedServer.start();
    await using rig = aRig([server]);
    rig.worker.register('f', () => Promise.resolve({ type: 'fail' }));
    const connection = await asleep(server);

    rig.worker.register('f', complete);
    connection.sendPacket('NOOP', []);
    expect(await connection.readPackets(1)).toEqual(['GRAB_JOB_UNIQ']);
    assign(connection);

    expect(await connection.readPackets(1)).toEqual(['WORK_COMPLETE H:vm:1|']);
  });
});

test('the worker asks again after a minute of sleep, so that a lost NOOP does no harm', async () => {
  await using server = await ScriptedServer.start();
  await using rig = aRig([server]);
  const connection = await asleep(server);
  await rig.bench.untilWaitingOn(/a job/);

  await rig.bench.clock.advance(60_000);

  expect(await connection.readPackets(1)).toEqual(['GRAB_JOB_UNIQ']);
});

test('drain lets the job at hand end and takes no other', async () => {
  await using server = await ScriptedServer.start();
  await using rig = aRig([server]);
  const work = new Deferred<JobReport>();
  const begun = new Deferred<undefined>();
  rig.worker.register('f', () => {
    begun.resolve(undefined);
    return work.promise;
  });
  const connection = await grabbing(server);
  assign(connection);
  await begun.promise;

  const drained = rig.worker.drain();
  work.resolve(COMPLETE);

  expect(await connection.readPackets(1)).toEqual(['WORK_COMPLETE H:vm:1|']);
  await connection.ended();
  await drained;
  expect(connection.unread()).toHaveLength(0);
});

type Rig = AsyncDisposable & { readonly bench: GearmanBench; readonly worker: GearmanWorker };

function aRig(servers: readonly ScriptedServer[], options: { readonly clientId?: string } = {}): Rig {
  const bench = new GearmanBench();
  const addresses = servers.map((server) => server.address);
  const worker = new GearmanWorker({ servers: addresses, clientIds: [options.clientId ?? 'w1'] }, bench);
  return { bench, worker, [Symbol.asyncDispose]: () => worker.close() };
}

async function expectBytes(connection: ScriptedConnection, expected: readonly Buffer[]): Promise<void> {
  for (const bytes of expected) expect((await connection.read(bytes.length)).toString()).toBe(bytes.toString());
}
