import { describe, expect, test } from 'vitest';
import { GearmanAdmin } from '../../src/gearman/gearman-admin.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { GearmanBench } from './gearman-bench.ts';
import { ScriptedServer } from './scripted-server.ts';
import { readTranscript } from './transcript.ts';

describe('recorded answers', () => {
  test('case 1: version, an empty status, and workers, on one connection', async () => {
    await using server = await ScriptedServer.start();
    using admin = anAdmin(server);
    const version = admin.version(neverAborted);
    const status = admin.status(neverAborted);
    const workers = admin.workers(neverAborted);

    const connection = await server.connection();
    for (const question of ['version', 'status', 'workers']) {
      expect(await connection.readLine()).toBe(question);
      connection.send(answer(1, question));
    }

    expect(await version).toBe('1.1.20+ds');
    expect(await status).toEqual({ rows: [], junkLines: 0 });
    expect(await workers).toEqual({
      rows: [{ fd: 38, address: '127.0.0.1', clientId: '-', functions: [] }],
      junkLines: 0,
    });
  });

  test('case 2: functions with blanks', async () => {
    const { rows, junkLines } = await asked((admin) => admin.status(neverAborted), answer(2, 'status'));

    expect(junkLines).toBe(0);
    expect(rows).toEqual([
      { name: 'build:gate-unit', total: 0, running: 0, workers: 1 },
      { name: 'build:gate-unit:centos6', total: 0, running: 0, workers: 1 },
      { name: 'build:unit tests (slow):centos6', total: 0, running: 0, workers: 1 },
    ]);
  });

  test('case 2: a worker with its name', async () => {
    const { rows } = await asked((admin) => admin.workers(neverAborted), answer(2, 'workers'));

    expect(rows[1]).toMatchObject({ fd: 39, clientId: 'centos6-7_exec-0' });
    expect(rows[1]?.functions).toContain('build:gate-unit');
  });

  test('case 13: a waiting job', async () => {
    const { rows } = await asked((admin) => admin.showJobs(neverAborted), answer(13, 'show jobs'));

    expect(rows).toEqual([{ handle: 'H:vm:10', retries: 0, isIgnored: false, isQueued: false }]);
  });

  test.each([
    { number: 13, handle: 'H:vm:10', known: true },
    { number: 14, handle: 'H:vm:11', known: true },
    { number: 14, handle: 'H:vm:9999', known: false },
    { number: 21, handle: 'H:127.0.0.1:2', known: true },
    { number: 21, handle: 'H:none:1', known: false },
  ])('case $number: cancel job $handle, known: $known', async ({ number, handle, known }) => {
    const bytes = answer(number, `cancel job ${handle}`);

    expect(await asked((admin) => admin.cancelJob(handle, neverAborted), bytes)).toBe(known);
  });

  test('case 15: a command that the server does not know is an error, though no "." follows', async () => {
    const refused = asked((admin) => admin.showJobs(neverAborted), answer(15, 'nonsense'));

    await expect(refused).rejects.toThrow(/refused "show jobs"/);
  });

  test('case 16: a status between packets', async () => {
    const { rows } = await asked((admin) => admin.status(neverAborted), answer(16, 'status', 'client'));

    expect(rows[0]).toEqual({ name: 'empty', total: 1, running: 0, workers: 1 });
  });

  test('case 17: lines outlive their workers', async () => {
    const { rows } = await asked((admin) => admin.status(neverAborted), answer(17, 'status'));

    expect(rows[0]).toEqual({ name: 'empty', total: 1, running: 0, workers: 0 });
    expect(rows).toHaveLength(4);
  });

  test('case 22: geard does not answer version; after 10 s that is an error and the connection is closed', async () => {
    await using server = await ScriptedServer.start();
    const bench = new GearmanBench();
    using admin = anAdmin(server, bench);
    const rejected = expect(admin.version(neverAborted)).rejects.toThrow(DeadlineExceededError);
    const connection = await server.connection();
    await connection.readLine();

    await bench.clock.advance(10_000);

    await rejected;
    await connection.ended();
  });
});

describe('answers that are cut, long or odd', () => {
  test('the answer is the same wherever it is cut', async () => {
    const bytes = Buffer.from('build:é\t1\t0\t1\r\nb\t2\t1\t0\n.\n');
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const { rows } = await asked((admin) => admin.status(neverAborted), bytes.subarray(0, cut), bytes.subarray(cut));
      expect(rows.map((row) => `${row.name} ${row.total}`)).toEqual(['build:é 1', 'b 2']);
    }
  });

  test('10,000 lines are read', async () => {
    const lines = Array.from({ length: 10_000 }, (_, index) => `build:job-${index}:label\t${index}\t0\t1\n`);

    const { rows, junkLines } = await asked((admin) => admin.status(neverAborted), Buffer.from(`${lines.join('')}.\n`));

    expect(junkLines).toBe(0);
    expect(rows).toHaveLength(10_000);
    expect(rows[9_999]).toEqual({ name: 'build:job-9999:label', total: 9_999, running: 0, workers: 1 });
  });

  test('junk lines are skipped and counted; the others still count', async () => {
    const text = 'a\t1\t0\t1\nshort\t1\nb\tx\t0\t1\n\n\t0\t0\t1\nERR x\t1\t0\t0\n.\t3\t0\t0\nc\td\t2\t0\t1\n.\n';

    const { rows, junkLines } = await asked((admin) => admin.status(neverAborted), Buffer.from(text));

    expect(rows.map((row) => row.name)).toEqual(['a', 'ERR x', '.', 'c\td']);
    expect(junkLines).toBe(4);
  });

  test('without the last "." there is no answer: half a list would hide demand', async () => {
    await using server = await ScriptedServer.start();
    using admin = anAdmin(server);
    const status = admin.status(neverAborted);
    const connection = await server.connection();
    await connection.readLine();
    connection.send('a\t1\t0\t1\n');
    connection.close();

    await expect(status).rejects.toThrow(/closed the admin connection/);
  });

  test('a line without end closes the connection, so that nobody fills our memory', async () => {
    await expect(asked((admin) => admin.status(neverAborted), Buffer.alloc(1024 * 1024 + 1, 'x'))).rejects.toThrow(
      'Cannot read line: it does not end',
    );
  });
});

describe('the connection', () => {
  test('is opened again after the server was restarted', async () => {
    await using first = await ScriptedServer.start();
    using admin = anAdmin(first);
    const before = admin.version(neverAborted);
    const old = await first.connection();
    await old.readLine();
    await first.stop();
    await expect(before).rejects.toThrow();

    await using second = await ScriptedServer.start(first.address.port);
    const after = admin.version(neverAborted);
    const connection = await second.connection();
    await connection.readLine();
    connection.send('OK 2\n');

    expect(await after).toBe('2');
  });

  test('is not used after a question that was given up, for its answer may still come', async () => {
    await using server = await ScriptedServer.start();
    using admin = anAdmin(server);
    const controller = new AbortController();
    const late = admin.version(controller.signal);
    const first = await server.connection();
    await first.readLine();
    controller.abort(new Error('Enough'));
    await expect(late).rejects.toThrow('Enough');
    await first.ended();

    const version = admin.version(neverAborted);
    const second = await server.connection();
    await second.readLine();
    second.send('OK 2\n');

    expect(await version).toBe('2');
  });

  test('is closed when lines come that nobody asked for', async () => {
    await using server = await ScriptedServer.start();
    using admin = anAdmin(server);
    const version = admin.version(neverAborted);
    const connection = await server.connection();
    await connection.readLine();
    connection.send('OK 2\nOK 3\n');

    expect(await version).toBe('2');
    await connection.ended();
  });
});

test('a handle with a line end is refused, for it would be a second command', async () => {
  await using server = await ScriptedServer.start();
  using admin = anAdmin(server);

  await expect(admin.cancelJob('H:1\nshutdown', neverAborted)).rejects.toThrow('that is no handle');
});

function anAdmin(server: ScriptedServer, bench = new GearmanBench()): GearmanAdmin & Disposable {
  const admin = new GearmanAdmin(server.address, bench);
  return Object.assign(admin, {
    [Symbol.dispose]: () => {
      admin.close();
    },
  });
}

/** What the admin makes of an answer that comes in these pieces. */
async function asked<T>(ask: (admin: GearmanAdmin) => Promise<T>, ...pieces: readonly Uint8Array[]): Promise<T> {
  await using server = await ScriptedServer.start();
  using admin = anAdmin(server);
  const result = ask(admin);
  result.catch(() => undefined); // the caller sees it
  const connection = await server.connection();
  await connection.readLine();
  for (const piece of pieces) connection.send(piece);
  return await result;
}

/** The recorded answer to a question. */
function answer(number: number, question: string, who = 'admin'): Buffer {
  const steps = readTranscript().filter((step) => step.case === number && step.who === who);
  const at = steps.findIndex((step) => step.bytes.toString() === `${question}\n`);
  const found = steps[at + 1];
  if (at === -1 || found === undefined) throw new Error(`Case ${number} has no answer to "${question}"`);
  return found.bytes;
}
