import { expect, test } from 'vitest';
import { type QueueStatus, QueueStatusSource } from '../../src/gearman/queue-status-source.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { GearmanBench } from './gearman-bench.ts';
import { type ScriptedConnection, ScriptedServer } from './scripted-server.ts';

const ROW = { name: 'build:unit:centos6', total: 3, running: 1, workers: 2 };
const ANSWER = 'build:unit:centos6\t3\t1\t2\n.\n';

test('gives the functions of every server, in the order of the configuration', async () => {
  await using first = await ScriptedServer.start();
  await using second = await ScriptedServer.start();
  using rig = aRig([first, second]);
  const read = rig.source.read(neverAborted);

  await answer(await second.connection(), '.\n');
  await answer(await first.connection(), ANSWER);

  expect(await read).toEqual({
    servers: [
      { server: first.name, state: 'fresh', functions: [ROW], ageMs: 0 },
      { server: second.name, state: 'fresh', functions: [], ageMs: 0 },
    ],
  });
  expect(rig.bench.log.entries).toEqual([]);
});

test('a server that never answered is unknown, not idle', async () => {
  await using down = await ScriptedServer.start();
  using rig = aRig([down]);
  await down.stop();

  expect((await rig.source.read(neverAborted)).servers).toEqual([{ server: down.name, state: 'unknown' }]);
  expect(rig.bench.log.messages('warn')).toEqual(['Gearman server does not answer; its demand is unknown']);
});

test('a lost server keeps its last answer for 60 s, and each change is told once', async () => {
  await using server = await ScriptedServer.start();
  using rig = aRig([server]);
  const first = rig.source.read(neverAborted);
  await answer(await server.connection(), ANSWER);
  await first;
  await server.stop();

  const seen: string[] = [];
  for (const ms of [0, 30_000, 30_000, 1, 1_000]) {
    await rig.bench.clock.advance(ms);
    seen.push(show(await rig.source.read(neverAborted)));
  }
  await using again = await ScriptedServer.start(server.address.port);
  const last = rig.source.read(neverAborted);
  await answer(await again.connection(), ANSWER);
  seen.push(show(await last));

  expect(seen).toEqual(['kept 3 0', 'kept 3 30000', 'kept 3 60000', 'unknown', 'unknown', 'fresh 3 0']);
  expect(rig.bench.log.entries.map((entry) => `${entry.level} ${entry.message}`)).toEqual([
    'warn Gearman server does not answer; its last status is kept',
    'warn Gearman server does not answer; its demand is unknown',
    'info Gearman server answers again',
  ]);
});

test('a server that hangs holds up one read by 2 s, and the next ones not at all', async () => {
  await using hanging = await ScriptedServer.start();
  await using up = await ScriptedServer.start();
  using rig = aRig([hanging, up]);
  const first = rig.source.read(neverAborted);
  await hanging.connection();
  const connection = await up.connection();
  await answer(connection, ANSWER);
  await rig.bench.untilOver(`Gearman status of ${up.name}`);
  await rig.bench.clock.advance(2_000);
  expect((await first).servers.map((server) => server.state)).toEqual(['unknown', 'fresh']);

  const second = rig.source.read(neverAborted);
  await answer(connection, ANSWER);

  expect((await second).servers.map((server) => server.state)).toEqual(['unknown', 'fresh']);
});

test('an answer that comes too late for its read serves the next one', async () => {
  await using slow = await ScriptedServer.start();
  using rig = aRig([slow]);
  const first = rig.source.read(neverAborted);
  const connection = await slow.connection();
  await connection.readLine();
  await rig.bench.clock.advance(2_000);
  expect(show(await first)).toBe('unknown');

  connection.send(ANSWER);
  await rig.bench.untilOver(`Gearman status of ${slow.name}`);
  const second = rig.source.read(neverAborted);
  await connection.readLine();
  await rig.bench.clock.advance(2_000);

  expect(show(await second)).toBe('kept 3 4000');
});

test('a restart in mid-answer is no answer: half a list would hide demand', async () => {
  await using server = await ScriptedServer.start();
  using rig = aRig([server]);
  const first = rig.source.read(neverAborted);
  const connection = await server.connection();
  await answer(connection, ANSWER);
  await first;

  const second = rig.source.read(neverAborted);
  await answer(connection, 'build:unit:centos6\t0\t0\t2\n');
  await server.stop();
  await using restarted = await ScriptedServer.start(server.address.port);
  expect(show(await second)).toBe('kept 3 0');

  const third = rig.source.read(neverAborted);
  await answer(await restarted.connection(), '.\n');
  expect(show(await third)).toBe('fresh  0');
});

test('junk lines are told when their number changes, not on each read', async () => {
  await using server = await ScriptedServer.start();
  using rig = aRig([server]);
  const reading = rig.source.read(neverAborted);
  const connection = await server.connection();
  await answer(connection, `junk\n${ANSWER}`);
  expect(show(await reading)).toBe('fresh 3 0');
  for (const text of [`junk\n${ANSWER}`, `junk\njunk\n${ANSWER}`, ANSWER]) {
    const again = rig.source.read(neverAborted);
    await answer(connection, text);
    expect(show(await again)).toBe('fresh 3 0');
  }

  expect(rig.bench.log.entries.map((entry) => entry.facts['junkLines'])).toEqual([1, 2]);
});

test('two reads at once each get an answer to a question that was sent after they began', async () => {
  await using server = await ScriptedServer.start();
  using rig = aRig([server]);
  const reads = [rig.source.read(neverAborted), rig.source.read(neverAborted)];
  const connection = await server.connection();
  await answer(connection, ANSWER);
  await answer(connection, '.\n');

  expect((await Promise.all(reads)).map(show)).toEqual(['fresh 3 0', 'fresh  0']);
});

test('new servers replace the old; one that stays keeps its connection', async () => {
  await using old = await ScriptedServer.start();
  await using kept = await ScriptedServer.start();
  await using fresh = await ScriptedServer.start();
  using rig = aRig([old, kept]);
  const first = rig.source.read(neverAborted);
  const leaving = await old.connection();
  const staying = await kept.connection();
  await answer(leaving, ANSWER);
  await answer(staying, ANSWER);
  await first;

  rig.source.setServers([fresh.address, kept.address]);
  const second = rig.source.read(neverAborted);
  await answer(staying, ANSWER);
  await answer(await fresh.connection(), ANSWER);

  expect((await second).servers.map((one) => one.server)).toEqual([fresh.name, kept.name]);
  await leaving.ended();
});

test('with no servers there is nothing to ask', async () => {
  using rig = aRig([]);

  expect(await rig.source.read(neverAborted)).toEqual({ servers: [] });
});

test('an aborted read throws, and close ends the connections', async () => {
  await using server = await ScriptedServer.start();
  using rig = aRig([server]);
  const controller = new AbortController();
  const read = rig.source.read(controller.signal);
  const connection = await server.connection();

  controller.abort(new Error('Stopping'));
  await expect(read).rejects.toThrow('Stopping');
  rig.source.close();

  await connection.ended();
});

type Rig = Disposable & { readonly bench: GearmanBench; readonly source: QueueStatusSource };

function aRig(servers: readonly ScriptedServer[]): Rig {
  const bench = new GearmanBench();
  const source = new QueueStatusSource(
    servers.map((server) => server.address),
    bench,
  );
  return {
    bench,
    source,
    [Symbol.dispose]: () => {
      source.close();
    },
  };
}

async function answer(connection: ScriptedConnection, text: string): Promise<void> {
  expect(await connection.readLine()).toBe('status');
  connection.send(text);
}

function show(status: QueueStatus): string {
  const [server] = status.servers;
  if (server?.functions === undefined) return server?.state ?? 'none';
  return `${server.state} ${server.functions.map((row) => row.total).join()} ${server.ageMs}`;
}
