import { describe, expect, test } from 'vitest';
import { Deferred } from '../../src/gearman/deferred.ts';
import { GearmanClient, type JobRequest } from '../../src/gearman/gearman-client.ts';
import type { JobOutcome, JobProgress } from '../../src/gearman/submitted-job.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { GearmanBench } from './gearman-bench.ts';
import { type ScriptedConnection, ScriptedServer } from './scripted-server.ts';
import { readTranscript, sent } from './transcript.ts';

const JOB: JobRequest = { function: 'f', data: '{}', deadlineMs: 60_000, unique: 'u1' };

describe('recorded jobs', () => {
  const CASES = [
    { number: 3, unique: '3f2a', outcome: 'completed {"result":"SUCCESS","number":5}', chunks: 1 },
    { number: 4, unique: 'f1', outcome: 'failed', chunks: 0 },
    { number: 5, unique: 'e1', outcome: 'failed', chunks: 0 },
    { number: 6, unique: 'e2', outcome: 'exception Traceback: boom', chunks: 0 },
    { number: 8, unique: 'same', outcome: 'completed done', chunks: 0 },
    { number: 9, unique: 'n1', outcome: 'completed ', chunks: 0 },
    { number: 13, unique: 'c1', outcome: 'failed', chunks: 0 },
    { number: 14, unique: 'c2', outcome: 'failed', chunks: 0 },
    { number: 19, unique: 'a', outcome: 'failed', chunks: 0 },
  ];

  test.each(CASES)('case $number, job $unique: $outcome', async ({ number, unique, outcome, chunks }) => {
    await using server = await ScriptedServer.start();
    const client = aClient([server]);
    const submission = sent(number, 'client', { type: 'SUBMIT_JOB', holding: unique });
    const [name = '', , data = ''] = submission.subarray(12).toString().split('\0');
    const running = client.submit({ ...JOB, function: name, unique, data }, neverAborted);

    const connection = await server.connection();
    await connection.readPackets(1); // SET_CLIENT_ID
    expect(await connection.read(22)).toEqual(sent(6, 'client', { type: 'OPTION_REQ', holding: 'exceptions' }));
    expect(await connection.read(submission.length)).toEqual(submission);
    connection.send(...answers(number, unique));

    const ended = await running;
    expect(show(ended)).toBe(outcome);
    expect(ended.data).toHaveLength(chunks);
    await connection.ended();
  });

  test('case 15: a full queue is told as the reason why nobody took the job', async () => {
    await using server = await ScriptedServer.start();
    const running = aClient([server]).submit(JOB, neverAborted);
    const connection = await server.connection();
    connection.sendPacket('OPTION_RES', ['exceptions']);
    connection.send(...answers(15, 'm2'));

    await expect(running).rejects.toThrow(/Cannot submit "f" to any Gearman server: .*QUEUE_ERROR: Job queue is full/);
    await connection.ended();
  });

  test('case 18: the loss of the server is told as such, for nobody knows how the job went on', async () => {
    await using server = await ScriptedServer.start();
    const running = aClient([server]).submit(JOB, neverAborted);
    const connection = await server.connection();
    connection.send(...answers(18, 'k1'));
    connection.close();

    const outcome = await running;
    expect(outcome).toMatchObject({ type: 'disconnected', handle: 'H:vm:13', server: server.name });
  });

  test('case 22: geard never answers the option, and the job goes on all the same', async () => {
    await using server = await ScriptedServer.start();
    const running = aClient([server]).submit(JOB, neverAborted);
    const connection = await server.connection();
    connection.send(...answers(22, 'uuuuuuuu'));
    connection.sendPacket('WORK_COMPLETE', ['H:127.0.0.1:4', 'done']);

    expect(show(await running)).toBe('completed done');
  });

  test('case 6: an unknown option is no refusal of the job after it', async () => {
    await using server = await ScriptedServer.start();
    const running = aClient([server]).submit(JOB, neverAborted);
    const connection = await server.connection();
    connection.sendPacket('ERROR', ['UNKNOWN_OPTION', 'Server does not recognize given option']);
    await accept(connection);
    connection.sendPacket('WORK_FAIL', ['H:vm:1']);

    expect(show(await running)).toBe('failed');
  });
});

describe('while the job runs', () => {
  test('progress is told at once, also numbers that mean nothing', async () => {
    await using server = await ScriptedServer.start();
    const progress: JobProgress[] = [];
    const running = aClient([server]).submit({ ...JOB, onProgress: (one) => progress.push(one) }, neverAborted);
    const connection = await server.connection();
    await accept(connection);
    connection.sendPacket('WORK_DATA', ['H:vm:1', 'a\0b']);
    connection.sendPacket('WORK_STATUS', ['H:vm:1', '0', '-1']);
    connection.sendPacket('WORK_WARNING', ['H:vm:1', 'hot']);
    connection.sendPacket('WORK_COMPLETE', ['H:vm:1', '']);

    const outcome = await running;
    expect(outcome.data.map(String)).toEqual(['a\0b']);
    expect(progress).toEqual([
      { type: 'data', data: Buffer.from('a\0b') },
      { type: 'status', numerator: 0, denominator: -1 },
      { type: 'warning', data: Buffer.from('hot') },
    ]);
  });

  test('packets for other handles are ignored, and so is all that follows the end', async () => {
    await using server = await ScriptedServer.start();
    const progress: JobProgress[] = [];
    const running = aClient([server]).submit({ ...JOB, onProgress: (one) => progress.push(one) }, neverAborted);
    const connection = await server.connection();
    await accept(connection);
    connection.sendPacket('WORK_COMPLETE', ['H:vm:99', 'wrong']);
    connection.sendPacket('WORK_FAIL', ['H:vm:1']);
    connection.sendPacket('WORK_DATA', ['H:vm:1', 'late']);
    connection.sendPacket('WORK_COMPLETE', ['H:vm:1', 'late']);

    const outcome = await running;
    await connection.ended();
    expect(show(outcome)).toBe('failed');
    expect(outcome.data).toEqual([]);
    expect(progress).toEqual([]);
  });

  test('16 MiB each way arrive unchanged', { timeout: 30_000 }, async () => {
    await using server = await ScriptedServer.start();
    const data = Buffer.alloc(16 * 1024 * 1024, 'x\0y');
    const running = aClient([server]).submit({ ...JOB, data }, neverAborted);
    const connection = await server.connection();
    await connection.readPackets(2);
    const submission = await connection.readPacket();
    connection.sendPacket('JOB_CREATED', ['H:vm:1']);
    connection.sendPacket('WORK_COMPLETE', ['H:vm:1', data]);

    expect(submission.fields[2]?.equals(data)).toBe(true);
    const outcome = await running;
    expect(outcome.type === 'completed' && outcome.result.equals(data)).toBe(true);
  });

  test('its deadline ends it, because gearmand never tells that a worker died', async () => {
    await using server = await ScriptedServer.start();
    const bench = new GearmanBench();
    const progress = new Deferred<JobProgress>();
    const request: JobRequest = {
      ...JOB,
      onProgress: (one) => {
        progress.resolve(one);
      },
    };
    const rejected = expect(aClient([server], bench).submit(request, neverAborted)).rejects.toThrow(
      DeadlineExceededError,
    );
    const connection = await server.connection();
    await accept(connection);
    connection.sendPacket('WORK_STATUS', ['H:vm:1', '1', '2']);
    await progress.promise;

    await bench.clock.advance(60_000);

    await rejected;
    await connection.ended();
  });

  test('aborting leaves the server, which then drops a job that waits', async () => {
    await using server = await ScriptedServer.start();
    const controller = new AbortController();
    const running = aClient([server]).submit(JOB, controller.signal);
    const connection = await server.connection();
    await accept(connection);

    controller.abort(new Error('Not needed any more'));

    await expect(running).rejects.toThrow('Not needed any more');
    await connection.ended();
  });

  test('closing the client ends its jobs and refuses new ones', async () => {
    await using server = await ScriptedServer.start();
    const client = aClient([server]);
    const running = client.submit(JOB, neverAborted);
    const rejected = expect(running).rejects.toThrow('Gearman client is closed');
    await accept(await server.connection());

    await client.close();

    await rejected;
    await expect(client.submit(JOB, neverAborted)).rejects.toThrow('Gearman client is closed');
  });
});

describe('names', () => {
  test.each([
    ['an empty function', { function: '' }, 'it has 0 bytes'],
    ['a function of 513 bytes', { function: 'é'.repeat(256) + 'x' }, 'it has 513 bytes'],
    ['a TAB in the function', { function: 'a\tb' }, 'it holds NUL, TAB, CR or LF'],
    ['a unique id of 64 bytes', { unique: 'u'.repeat(64) }, 'it has 64 bytes'],
    ['a NUL in the unique id', { unique: 'a\0b' }, 'it holds a NUL'],
  ])('%s is refused before anything is sent, because servers cut or misread it', async (_, part, message) => {
    await expect(aClient([]).submit({ ...JOB, ...part }, neverAborted)).rejects.toThrow(message);
  });

  test.each(['f', 'build:unit tests (slow):centos6', 'é:ü', 'x'.repeat(512)])('%s is sent as it is', async (name) => {
    await using server = await ScriptedServer.start();
    const running = aClient([server]).submit({ function: name, data: '', deadlineMs: 1_000 }, neverAborted);
    const connection = await server.connection();

    expect(await connection.readPackets(3)).toEqual([
      'SET_CLIENT_ID nodepool',
      'OPTION_REQ exceptions',
      `SUBMIT_JOB ${name}|00000000000000000000000000000001|`,
    ]);
    connection.sendPacket('JOB_CREATED', ['H:vm:1']);
    connection.sendPacket('WORK_FAIL', ['H:vm:1']);
    expect(show(await running)).toBe('failed');
  });
});

function aClient(servers: readonly ScriptedServer[], bench = new GearmanBench()): GearmanClient {
  return new GearmanClient({ servers: servers.map((server) => server.address), clientId: 'nodepool' }, bench);
}

async function accept(connection: ScriptedConnection): Promise<void> {
  await connection.readPackets(3);
  connection.sendPacket('JOB_CREATED', ['H:vm:1']);
}

/** What the server answered to the recorded submission with this unique id, up to the next one. */
function answers(number: number, unique: string): readonly Buffer[] {
  const steps = readTranscript().filter((step) => step.case === number && step.who === 'client');
  const after = steps.slice(1 + steps.findIndex((step) => step.fields[1]?.startsWith(unique) === true));
  const next = after.findIndex((step) => step.type === 'SUBMIT_JOB');
  return (next === -1 ? after : after.slice(0, next))
    .filter((step) => step.direction === '<' && !['STATUS_RES', 'OPTION_RES'].includes(step.type ?? ''))
    .map((step) => step.bytes);
}

function show(outcome: JobOutcome): string {
  if (outcome.type === 'completed') return `completed ${outcome.result.toString()}`;
  if (outcome.type === 'exception') return `exception ${outcome.message}`;
  return outcome.type;
}
