import { expect, test } from 'vitest';
import { GearmanClient, type JobRequest } from '../../src/gearman/gearman-client.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { GearmanBench } from './gearman-bench.ts';
import { type ScriptedConnection, ScriptedServer } from './scripted-server.ts';

const JOB: JobRequest = { function: 'f', data: '{}', deadlineMs: 600_000 };

test('jobs go to the servers in turn', async () => {
  await using first = await ScriptedServer.start();
  await using second = await ScriptedServer.start();
  const client = aClient([first, second]);
  const jobs = [1, 2, 3].map(() => client.submit(JOB, neverAborted));

  for (const server of [first, second, first]) await serveOne(server);

  const outcomes = await Promise.all(jobs);
  expect(outcomes.map((outcome) => outcome.server)).toEqual([first.name, second.name, first.name]);
});

test('who asks again with an id, also in another process, begins at the same server: there it is the same job', async () => {
  await using first = await ScriptedServer.start();
  await using second = await ScriptedServer.start();
  const ids = ['attempt-1', 'attempt-1', 'attempt-2', 'attempt-2'];
  const jobs = ids.map((unique) => aClient([first, second]).submit({ ...JOB, unique }, neverAborted));

  for (const server of [first, first, second, second]) await serveOne(server);

  const asked = (await Promise.all(jobs)).map(({ server }) => server);
  expect(asked).toEqual([asked[0], asked[0], asked[2], asked[2]]);
  expect(new Set(asked).size).toBe(2);
});

test('a server that is down is passed over, and asked last for half a minute', async () => {
  await using down = await ScriptedServer.start();
  await using up = await ScriptedServer.start();
  const bench = new GearmanBench();
  const client = aClient([down, up], bench);
  await down.stop();

  for (let turn = 0; turn < 3; turn += 1) {
    const job = client.submit(JOB, neverAborted);
    await serveOne(up);
    expect((await job).server).toBe(up.name);
  }
  expect(bench.log.messages('warn')).toEqual(['Gearman server did not take a job']);
});

test('a server that hangs loses the job after 30 s, and closing the connection takes it back there', async () => {
  await using hanging = await ScriptedServer.start();
  await using up = await ScriptedServer.start();
  const bench = new GearmanBench();
  const job = aClient([hanging, up], bench).submit(JOB, neverAborted);
  const stuck = await hanging.connection();
  await stuck.readPackets(3);

  await bench.clock.advance(30_000);

  await serveOne(up);
  expect((await job).server).toBe(up.name);
  await stuck.ended();
});

test('a server that dies before it accepts loses the job to the next', async () => {
  await using dying = await ScriptedServer.start();
  await using up = await ScriptedServer.start();
  const job = aClient([dying, up]).submit(JOB, neverAborted);
  const connection = await dying.connection();
  await connection.readPackets(3);

  connection.reset();

  await serveOne(up);
  expect((await job).server).toBe(up.name);
});

test('a server that refuses (its queue is full) loses the job to the next', async () => {
  await using full = await ScriptedServer.start();
  await using up = await ScriptedServer.start();
  const job = aClient([full, up]).submit(JOB, neverAborted);
  const connection = await full.connection();
  connection.sendPacket('OPTION_RES', ['exceptions']);
  connection.sendPacket('ERROR', ['QUEUE_ERROR', 'Job queue is full']);

  await serveOne(up);
  expect((await job).server).toBe(up.name);
});

test('a server that dies mid-job keeps it: running it again elsewhere is for the caller to decide', async () => {
  await using dying = await ScriptedServer.start();
  await using up = await ScriptedServer.start();
  const job = aClient([dying, up]).submit(JOB, neverAborted);
  const connection = await dying.connection();
  await connection.readPackets(3);
  connection.sendPacket('JOB_CREATED', ['H:vm:1']);
  connection.sendPacket('WORK_DATA', ['H:vm:1', 'half']);

  await dying.stop();

  const outcome = await job;
  expect(outcome).toMatchObject({ type: 'disconnected', server: dying.name });
  expect(outcome.data.map(String)).toEqual(['half']);
});

test('when both die mid-job, both jobs end', async () => {
  await using first = await ScriptedServer.start();
  await using second = await ScriptedServer.start();
  const client = aClient([first, second]);
  const jobs = [client.submit(JOB, neverAborted), client.submit(JOB, neverAborted)];
  for (const server of [first, second]) {
    const connection = await server.connection();
    await connection.readPackets(3);
    connection.sendPacket('JOB_CREATED', ['H:vm:1']);
    connection.reset();
  }

  expect((await Promise.all(jobs)).map((outcome) => outcome.type)).toEqual(['disconnected', 'disconnected']);
});

test('when all are down, the error names each server', async () => {
  await using first = await ScriptedServer.start();
  await using second = await ScriptedServer.start();
  const client = aClient([first, second]);
  await first.stop();
  await second.stop();

  await expect(client.submit(JOB, neverAborted)).rejects.toThrow(
    new RegExp(`"${first.name}": .*ECONNREFUSED.*"${second.name}": .*ECONNREFUSED`),
  );
});

test('with no server at all, submitting says so', async () => {
  await expect(aClient([]).submit(JOB, neverAborted)).rejects.toThrow('no server is configured');
});

test('bytes that are no Gearman end the connection and the job', async () => {
  await using server = await ScriptedServer.start();
  const job = aClient([server]).submit(JOB, neverAborted);
  const connection = await server.connection();
  await connection.readPackets(3);
  connection.sendPacket('JOB_CREATED', ['H:vm:1']);
  connection.send('SSH-2.0-OpenSSH_9.2\r\n');

  expect(await job).toMatchObject({ type: 'disconnected' });
  await connection.ended();
});

test('new servers are for new jobs; a job under way stays where it is', async () => {
  await using old = await ScriptedServer.start();
  await using fresh = await ScriptedServer.start();
  const client = aClient([old]);
  const first = client.submit(JOB, neverAborted);
  const connection = await old.connection();

  client.setServers([fresh.address]);
  const second = client.submit(JOB, neverAborted);
  await serveOne(fresh);
  await complete(connection);

  expect((await first).server).toBe(old.name);
  expect((await second).server).toBe(fresh.name);
});

function aClient(servers: readonly ScriptedServer[], bench = new GearmanBench()): GearmanClient {
  return new GearmanClient({ servers: servers.map((server) => server.address), clientId: 'nodepool' }, bench);
}

async function serveOne(server: ScriptedServer): Promise<void> {
  await complete(await server.connection());
}

async function complete(connection: ScriptedConnection): Promise<void> {
  await connection.readPackets(3);
  connection.sendPacket('JOB_CREATED', ['H:vm:1']);
  connection.sendPacket('WORK_COMPLETE', ['H:vm:1', '']);
}
