import { expect } from 'vitest';
import type { ScriptedConnection, ScriptedServer } from './scripted-server.ts';

/** The worker's connection, its question for work not yet answered. */
export async function grabbing(server: ScriptedServer): Promise<ScriptedConnection> {
  const connection = await server.connection();
  for (let type = ''; type !== 'GRAB_JOB_UNIQ';) type = (await connection.readPacket()).type;
  return connection;
}

/** The same, told that there is no job: it waits for a NOOP. */
export async function asleep(server: ScriptedServer): Promise<ScriptedConnection> {
  const connection = await grabbing(server);
  connection.sendPacket('NO_JOB', []);
  expect(await connection.readPackets(1)).toEqual(['PRE_SLEEP']);
  return connection;
}

/** Gives the worker a job of the function `f`. */
export function assign(connection: ScriptedConnection): void {
  connection.sendPacket('JOB_ASSIGN_UNIQ', ['H:vm:1', 'f', 'u1', '{}']);
}
