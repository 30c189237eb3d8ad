import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { at, listAt } from './at.ts';
import { Tenant } from './tenant.ts';

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as unknown;

let tenant: Tenant;

beforeAll(async () => {
  tenant = await Tenant.open({ hasHugeFlavor: true });
});
afterEach(async () => {
  const { json } = await tenant.nova('GET /servers');
  for (const server of listAt(json, 'servers')) await tenant.removeServer(String(at(server, 'id')));
});
afterAll(async () => {
  await tenant.subject.close();
});

test('E1, E2: a host that gives up leaves the server in ERROR with the reason, without details', async () => {
  await tenant.subject.failNext({ on: 'build', message: 'the disk is on fire', by: 'abort' });
  const id = await tenant.createServer('broken');

  const server = await tenant.awaitFault(id);

  expect(server).toMatchObject({ 'OS-EXT-STS:vm_state': 'error', 'OS-EXT-STS:task_state': null });
  expect(server['fault']).toEqual({
    ...{ code: 500, created: TIME },
    message: `Build of instance ${id} aborted: the disk is on fire`,
  });
});

test('E2, E3: when each host fails, the server is scheduled anew in between, and then the retries are over', async () => {
  await tenant.subject.failNext({ on: 'build', message: 'the disk is on fire', by: 'reschedule' });
  const id = await tenant.createServer('broken');

  const seen = await tenant.watch(id, hasEnded);

  const hosts = new Set(seen.map((server) => server?.['hostId']).filter((host) => host !== ''));
  expect(hosts.size).toBe(2);
  const between = seen.filter((server) => server?.['OS-EXT-STS:task_state'] === 'scheduling');
  // Its zone is empty, or that of the next host already.
  for (const server of between) expect(server).toMatchObject({ hostId: '' });
  const message = expect.stringMatching(/^Exceeded maximum number of retries\. /) as unknown;
  expect(seen.at(-1)).toMatchObject({ status: 'ERROR', fault: { code: 500, message } });
});

test('E2: where no host fits, the server is in ERROR soon', async () => {
  const id = await tenant.createServer('too-big', { flavorRef: 'huge' });

  const server = await tenant.awaitFault(id);

  expect(server['fault']).toEqual({ code: 500, created: TIME, message: 'No valid host was found. ' });
});

test('E4: a failed build leaves no host, zone or address, and its server can be deleted at once', async () => {
  await tenant.subject.failNext({ on: 'build', message: 'the disk is on fire', by: 'abort' });
  const id = await tenant.createServer('broken');
  const server = await tenant.awaitFault(id);

  const deleted = await tenant.nova(`DELETE /servers/${id}`);

  expect(server).toMatchObject({ hostId: '', 'OS-EXT-AZ:availability_zone': '', addresses: {} });
  expect(deleted.status).toBe(204);
  expect(await tenant.findServer(id)).toBeUndefined();
});

test('E5: creates that come together may all be accepted; who finds no room when scheduled goes to ERROR', async () => {
  await tenant.subject.setQuota({ instances: 1 });
  onTestFinished(() => tenant.subject.setQuota({}));
  const names = ['a', 'b', 'c', 'd'];
  const answers = await Promise.all(
    names.map((name) => tenant.nova('POST /servers', { body: tenant.serverBody(name) })),
  );

  const accepted = answers.filter(({ status }) => status === 202).map(({ json }) => String(at(json, 'server', 'id')));
  const ends = await Promise.all(accepted.map(async (id) => (await tenant.watch(id, hasEnded)).at(-1)));

  const message = 'Quota exceeded for instances: Requested 1, but already used 1 of 1 instances';
  // Who asks when the first is scheduled already is refused at once.
  for (const { status, json } of answers.filter((answer) => answer.status !== 202)) {
    expect([status, json]).toEqual([403, { forbidden: { code: 403, message } }]);
  }
  const lost = ends.filter((server) => server?.['status'] === 'ERROR');
  expect(lost.length).toBeGreaterThanOrEqual(accepted.length - 1);
  for (const server of lost) {
    expect(server).toMatchObject({ fault: { code: 413, message }, hostId: '', addresses: {} });
  }
});

function hasEnded(server: Record<string, unknown> | undefined): boolean {
  return server?.['status'] === 'ERROR' ? 'fault' in server : server?.['status'] !== 'BUILD';
}
