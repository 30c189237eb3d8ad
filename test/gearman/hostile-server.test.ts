import { expect, test } from 'vitest';
import { GearmanAdmin } from '../../src/gearman/gearman-admin.ts';
import { GearmanClient } from '../../src/gearman/gearman-client.ts';
import { encodePacket } from '../../src/gearman/codec/encode-packet.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { GearmanBench } from './gearman-bench.ts';
import { type ScriptedConnection, ScriptedServer } from './scripted-server.ts';

test('a packet that announces four gigabytes ends the connection at its header, with the reason', async () => {
  const outcome = await outcomeAfter((connection) => {
    connection.send(Buffer.from('\0RES\0\0\0\x0d\xff\xff\xff\xff', 'latin1'));
  });

  expect(outcome).toMatchObject({ type: 'disconnected' });
  expect(String((outcome as { error?: Error }).error?.cause)).toContain('4294967295 bytes are too many');
});

test('chunks of no bytes without end are counted too, and end the job', { timeout: 30_000 }, async () => {
  const empty = encodePacket('RES', 'WORK_DATA', ['H:1', '']);

  const outcome = await outcomeAfter((connection) => {
    for (let sent = 0; sent < 30; sent += 1) connection.send(Buffer.alloc(20_000 * empty.length, empty));
  });

  expect(outcome).toMatchObject({ type: 'disconnected' });
  expect(String((outcome as { error?: Error }).error?.cause)).toContain('bytes of job data');
});

test('a status of millions of short lines is given up before they fill the memory', { timeout: 30_000 }, async () => {
  await using server = await ScriptedServer.start();
  const admin = new GearmanAdmin(server.address, { clock: new GearmanBench().clock });
  const status = admin.status(neverAborted);
  const refused = expect(status).rejects.toThrow('Cannot read answer: it does not end');

  const connection = await server.connection();
  await connection.readLine();
  for (let sent = 0; sent < 10; sent += 1) connection.send('x\t0\t0\t0\n'.repeat(60_000));

  await refused;
  await connection.ended();
  admin.close();
});

/** How a job ends whose server accepts it and then says something. */
async function outcomeAfter(say: (connection: ScriptedConnection) => void): Promise<unknown> {
  await using server = await ScriptedServer.start();
  const client = new GearmanClient({ servers: [server.address], clientId: 'test' }, new GearmanBench());
  const running = client.submit({ function: 'f', data: '', deadlineMs: 60_000 }, neverAborted);
  const connection = await server.connection();
  connection.sendPacket('JOB_CREATED', ['H:1']);
  say(connection);
  return await running;
}
