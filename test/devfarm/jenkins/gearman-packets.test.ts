import { expect, test } from 'vitest';
import { type ScriptedConnection, ScriptedServer } from '../../gearman/scripted-server.ts';
import { GATE_UNIT, StandInBench } from './stand-in-bench.ts';

const HANDLE = 'H:vm:1';
const OFFERED = ['CAN_DO build:gate-unit', 'CAN_DO build:gate-unit:centos6', 'GRAB_JOB_UNIQ'];

function bench(server: ScriptedServer): Promise<StandInBench> {
  return StandInBench.start({ gearman: server.address, managerName: '192.0.2.2', jobs: [GATE_UNIT] });
}

/** The connection of that worker; those of others stay idle. */
async function connectionOf(server: ScriptedServer, name: string): Promise<ScriptedConnection> {
  for (;;) {
    const connection = await server.connection();
    const [first] = await connection.readPackets(1);
    if (first === `SET_CLIENT_ID ${name}`) return connection;
  }
}

const assign = (connection: ScriptedConnection, parameters: Readonly<Record<string, string>> = {}): void => {
  connection.sendPacket('JOB_ASSIGN_UNIQ', [HANDLE, 'build:gate-unit', 'u', JSON.stringify(parameters)]);
};

test('connections are named after the manager, the built-in node and each executor of an agent', async () => {
  await using server = await ScriptedServer.start();
  await using jenkins = await bench(server);

  const manager = await connectionOf(server, '192.0.2.2_manager');
  await connectionOf(server, '192.0.2.2_exec-0');
  await jenkins.createAgent('n1', { numExecutors: 2 });
  await connectionOf(server, 'n1_exec-0');
  await connectionOf(server, 'n1_exec-1');

  expect(await manager.readPackets(3)).toEqual([
    'CAN_DO stop:192.0.2.2',
    'CAN_DO set_description:192.0.2.2',
    'GRAB_JOB_UNIQ',
  ]);
});

test('functions are withdrawn only after the last packet of a job, else gearmand would give it to another', async () => {
  await using server = await ScriptedServer.start();
  await using jenkins = await bench(server);
  await jenkins.createAgent('n1');
  const connection = await connectionOf(server, 'n1_exec-0');
  expect(await connection.readPackets(3)).toEqual(OFFERED);

  assign(connection, { OFFLINE_NODE_WHEN_COMPLETE: '1' });
  (await jenkins.machines.step(1)).finish(0);

  expect((await connection.readPackets(5)).map((packet) => packet.split('|', 1)[0])).toEqual([
    `WORK_DATA ${HANDLE}`,
    `WORK_STATUS ${HANDLE}`,
    `WORK_COMPLETE ${HANDLE}`,
    'CANT_DO build:gate-unit',
    'CANT_DO build:gate-unit:centos6',
  ]);
});

test('a job grabbed in the instant of going offline has no build, and gets one when the node is back', async () => {
  await using server = await ScriptedServer.start();
  await using jenkins = await bench(server);
  await jenkins.createAgent('n1');
  const connection = await connectionOf(server, 'n1_exec-0');
  await connection.readPackets(3);

  await jenkins.call('POST /computer/n1/changeOfflineCause?offlineMessage=drain');
  assign(connection);
  expect(await jenkins.read('/job/gate-unit', 'builds[number]')).toMatchObject({ builds: [] });
  await jenkins.call('POST /computer/n1/toggleOffline?offlineMessage=');
  (await jenkins.machines.step(1)).finish(0);

  expect((await connection.readPackets(3)).at(-1)).toContain(`WORK_COMPLETE ${HANDLE}|{"result":"SUCCESS"`);
});

test('a job that waits so fails when its node is deleted, and only then the connection ends', async () => {
  await using server = await ScriptedServer.start();
  await using jenkins = await bench(server);
  await jenkins.createAgent('n1');
  const connection = await connectionOf(server, 'n1_exec-0');
  await connection.readPackets(3);
  await jenkins.call('POST /computer/n1/changeOfflineCause?offlineMessage=drain');
  assign(connection);

  await jenkins.call('POST /computer/n1/doDelete');

  expect(await connection.readPackets(1)).toEqual([`WORK_EXCEPTION ${HANDLE}|Agent "n1" is deleted`]);
  await connection.ended();
});

test('without work a worker sleeps, and grabs again when it is woken or the executor is free', async () => {
  await using server = await ScriptedServer.start();
  await using jenkins = await bench(server);
  await jenkins.createAgent('n1');
  const connection = await connectionOf(server, 'n1_exec-0');
  await connection.readPackets(3);

  connection.sendPacket('NO_JOB', []);
  expect(await connection.readPackets(1)).toEqual(['PRE_SLEEP']);
  await jenkins.call('POST /job/gate-unit/buildWithParameters');
  const step = await jenkins.machines.step(1);
  connection.sendPacket('NOOP', []);
  step.finish(0);

  expect(await connection.readPackets(1)).toEqual(['GRAB_JOB_UNIQ']);
});

test('a lost server is found again, and offered everything anew', async () => {
  await using server = await ScriptedServer.start();
  await using jenkins = await bench(server);
  await jenkins.createAgent('n1');
  const first = await connectionOf(server, 'n1_exec-0');
  await first.readPackets(3);

  first.reset();
  const second = await connectionOf(server, 'n1_exec-0');

  expect(await second.readPackets(3)).toEqual(OFFERED);
});

test('an order that is no JSON object is failed', async () => {
  await using server = await ScriptedServer.start();
  await using jenkins = await bench(server);
  await jenkins.createAgent('n1');
  const connection = await connectionOf(server, 'n1_exec-0');
  await connection.readPackets(3);

  connection.sendPacket('JOB_ASSIGN_UNIQ', [HANDLE, 'build:gate-unit', 'u', '{']);

  expect(await connection.readPackets(2)).toEqual([`WORK_FAIL ${HANDLE}`, 'GRAB_JOB_UNIQ']);
});
