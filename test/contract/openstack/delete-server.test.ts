import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, listAt } from './at.ts';
import { Tenant } from './tenant.ts';

let tenant: Tenant;

beforeAll(async () => {
  tenant = await Tenant.open();
});
afterAll(async () => {
  await tenant.subject.close();
});

test('D1: a server that is being deleted keeps its status, shows the task, and is gone then', async () => {
  const id = await tenant.makeServer('doomed');

  const answer = await tenant.nova(`DELETE /servers/${id}`);
  const seen = await tenant.watch(id, (server) => server === undefined);

  expect([answer.status, answer.text]).toEqual([204, '']);
  expect(seen[0]).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': 'deleting' });
  // Near the end, a look may find the row that is marked as deleted already.
  for (const server of seen.slice(0, -1)) expect(['ACTIVE', 'DELETED']).toContain(server?.['status']);
});

test('D2, D3: meanwhile a second delete is fine and other actions are conflicts; after it, it is not found', async () => {
  const id = await tenant.makeServer('doomed');
  await tenant.nova(`DELETE /servers/${id}`);

  const second = await tenant.nova(`DELETE /servers/${id}`);
  const image = await tenant.nova(`POST /servers/${id}/action`, { body: { createImage: { name: 'late' } } });
  const reboot = await tenant.nova(`POST /servers/${id}/action`, { body: { reboot: { type: 'HARD' } } });
  await tenant.until('the server to go', async () => (await tenant.findServer(id)) === undefined);
  const third = await tenant.nova(`DELETE /servers/${id}`);

  const conflict = (action: string): unknown => [
    409,
    `Cannot '${action}' instance ${id} while it is in task_state deleting`,
  ];
  expect(second.status).toBe(204);
  expect([image.status, at(image.json, 'conflictingRequest', 'message')]).toEqual(conflict('createImage'));
  expect([reboot.status, at(reboot.json, 'conflictingRequest', 'message')]).toEqual(conflict('reboot'));
  expect([third.status, at(third.json, 'itemNotFound', 'message')]).toEqual([
    404,
    `Instance ${id} could not be found.`,
  ]);
});

test('D4: a server that is being built can be deleted', async () => {
  const id = await tenant.createServer('young');

  expect((await tenant.nova(`DELETE /servers/${id}`)).status).toBe(204);

  await tenant.until('the server to go', async () => (await tenant.findServer(id)) === undefined);
});

test('D5: a delete that fails on the host leaves the server in ERROR with the reason, and a second delete works', async () => {
  const id = await tenant.makeServer('stuck');
  await tenant.subject.failNext({ on: 'delete', message: 'the host will not let go' });

  await tenant.nova(`DELETE /servers/${id}`);
  const server = await tenant.awaitFault(id);

  expect(server['fault']).toMatchObject({ code: 500, message: 'the host will not let go' });
  await tenant.removeServer(id);
});

test('D6: deleted servers are shown to a plain user only as changes, never by asking for them', async () => {
  const id = await tenant.makeServer('past');
  await tenant.removeServer(id);

  const deleted = await tenant.nova('GET /servers?deleted=true');
  const changed = await tenant.nova('GET /servers/detail?changes-since=2020-01-01T00:00:00Z');

  expect(listAt(deleted.json, 'servers')).toEqual([]);
  const found = listAt(changed.json, 'servers').find((server) => at(server, 'id') === id);
  expect(found).toMatchObject({ status: 'DELETED' });
});
