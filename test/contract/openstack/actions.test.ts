import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, listAt } from './at.ts';
import type { RawAnswer } from './raw-http.ts';
import { Tenant } from './tenant.ts';

let tenant: Tenant;
let server: string;

beforeAll(async () => {
  tenant = await Tenant.open();
  server = await tenant.makeServer('acts');
});
afterAll(async () => {
  await tenant.subject.close();
});

const act = (body: object): Promise<RawAnswer> => tenant.nova(`POST /servers/${server}/action`, { body });

test.each([{ length: 5 }, {}])('X1: the console is a text, also for %j', async (request) => {
  const answer = await act({ 'os-getConsoleOutput': request });

  expect([answer.status, answer.json]).toEqual([200, { output: expect.stringContaining('\n') as unknown }]);
});

test('X2: a reboot takes a moment in which the server is not ACTIVE, or no look falls into it', async () => {
  const answer = await act({ reboot: { type: 'HARD' } });

  expect([answer.status, answer.text]).toEqual([202, '']);
  const seen = await tenant.watch(server, (shown) => shown?.['status'] === 'ACTIVE' && isIdle(shown));
  for (const shown of seen) expect(['HARD_REBOOT', 'ACTIVE']).toContain(shown?.['status']);
});

test('X2: a server is stopped once, and started', async () => {
  expect((await act({ 'os-stop': null })).status).toBe(202);
  await tenant.awaitStatus(server, 'SHUTOFF');
  expect((await act({ 'os-stop': null })).status).toBe(409);
  expect((await act({ 'os-start': null })).status).toBe(202);
  await tenant.awaitStatus(server, 'ACTIVE');
});

test('X3: a server is renamed, and refuses an unknown action', async () => {
  const renamed = await tenant.nova(`PUT /servers/${server}`, { body: { server: { name: 'renamed' } } });

  expect([renamed.status, at(renamed.json, 'server', 'name')]).toEqual([200, 'renamed']);
  expect((await act({ dance: {} })).status).toBe(400);
});

test('X4: servers come in pages, newest first, and the last page has no link', async () => {
  const made = [server];
  // In the same second the order would be open.
  for (const name of ['page-1', 'page-2']) {
    await tenant.subject.pass(1100);
    made.push(await tenant.createServer(name));
  }

  const first = await tenant.nova('GET /servers?limit=2');
  const link = String(at(first.json, 'servers_links', '0', 'href'));
  const second = await tenant.nova(`GET /servers?${link.split('?')[1] ?? ''}`);

  const ids = (page: RawAnswer): unknown[] => listAt(page.json, 'servers').map((each) => at(each, 'id'));
  expect([...ids(first), ...ids(second)]).toEqual([...made].reverse());
  expect(at(first.json, 'servers_links', '0', 'rel')).toBe('next');
  expect(second.json).not.toHaveProperty('servers_links');
});

function isIdle(shown: Record<string, unknown> | undefined): boolean {
  return shown?.['OS-EXT-STS:task_state'] === null;
}
