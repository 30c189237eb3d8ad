import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { at, listAt } from './at.ts';
import { FLAVOR, MISSING, Tenant } from './tenant.ts';
import type { SubjectQuota } from './openstack-subject.ts';

let tenant: Tenant;

beforeAll(async () => {
  tenant = await Tenant.open();
});
afterAll(async () => {
  await tenant.subject.close();
});

/** For one test. */
async function limit(quota: SubjectQuota): Promise<void> {
  await tenant.subject.setQuota(quota);
  onTestFinished(() => tenant.subject.setQuota({}));
}

type Facts = Readonly<Record<string, unknown>>;

async function refusal(facts: Facts): Promise<{ kind: unknown; code: unknown; message: unknown }> {
  const { json, status } = await tenant.nova('POST /servers', { body: tenant.serverBody('bad', facts) });
  const kind = status === 202 ? 'accepted' : Object.keys(json as object)[0];
  return { kind, code: at(json, kind ?? '', 'code'), message: at(json, kind ?? '', 'message') };
}

test.each<[string, Facts, RegExp]>([
  ['an unknown flavor', { flavorRef: '99' }, /^Flavor 99 could not be found\.$/],
  ['an unknown image', { imageRef: MISSING }, /^Can not find requested image$/],
  ['an image that is no uuid', { imageRef: 'base-test' }, /is not valid under any of the given schemas/],
  ['an unknown key', { key_name: 'missing' }, /^Invalid key_name provided\.$/],
  ['an unknown zone', { availability_zone: 'az9' }, /^The requested availability zone is not available$/],
  ['an unknown network', { networks: [{ uuid: MISSING }] }, /^Network .* could not be found\.$/],
  ['a network that is no uuid', { networks: [{ uuid: 'private' }] }, /not in proper format \(private\)/],
  ['an unknown group', { security_groups: [{ name: 'missing' }] }, /^Unable to find security_group .*'missing'$/],
])('R1: %s is a bad request that says so', async (_what, facts, words) => {
  const message = expect.stringMatching(words) as unknown;
  expect(await refusal(facts)).toEqual({ kind: 'badRequest', code: 400, message });
});

test.each<[string, Facts]>([
  ['a metadata value of 256 characters', { metadata: { k: 'v'.repeat(256) } }],
  ['a metadata key of 256 characters', { metadata: { ['k'.repeat(256)]: 'v' } }],
  ['a metadata value that is no string', { metadata: { k: 1 } }],
  ['an empty name', { name: '' }],
  ['a name of 256 characters', { name: 'n'.repeat(256) }],
  ['an unknown attribute', { surprise: 1 }],
  ['no flavor', { flavorRef: undefined }],
])('R2: %s is a bad request', async (_what, facts) => {
  expect(await refusal(facts)).toMatchObject({ kind: 'badRequest', code: 400 });
});

test('R2: metadata of 255 characters is taken, so the limit is exact', async () => {
  expect(await refusal({ metadata: { ['k'.repeat(255)]: 'v'.repeat(255) } })).toMatchObject({ kind: 'accepted' });
});

test.each([
  ['broken JSON', '{"server": ', 'application/json'],
  ['another content type', 'x=1', 'text/plain'],
])('R2: %s is a malformed body', async (_what, body, type) => {
  const answer = await tenant.nova('POST /servers', { body, headers: { 'content-type': type } });

  expect([answer.status, at(answer.json, 'badRequest', 'message')]).toEqual([400, 'Malformed request body']);
});

test('R3: more than 128 metadata pairs, and a host chosen by a plain user, are forbidden', async () => {
  const pairs = (count: number): Facts => ({
    metadata: Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v'])),
  });

  expect(await refusal(pairs(128))).toMatchObject({ kind: 'accepted' });
  const message = 'Maximum number of metadata items exceeds 128';
  expect(await refusal(pairs(129))).toEqual({ kind: 'forbidden', code: 403, message });
  expect(await refusal({ availability_zone: 'az1:fake-1' })).toEqual({
    ...{ kind: 'forbidden', code: 403 },
    message: "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.",
  });
});

test('R4: an image without data cannot be booted yet', async () => {
  const body = { name: 'early', disk_format: 'qcow2', container_format: 'bare' };
  const imageRef = String(at((await tenant.glance('POST /images', { body })).json, 'id'));

  const message = `Image ${imageRef} is not active.`;
  expect(await refusal({ imageRef })).toEqual({ kind: 'badRequest', code: 400, message });
});

test('R5: the external network is accepted from a plain user, and then the build fails', async () => {
  const id = await tenant.createServer('outside', { networks: [{ uuid: tenant.ids.publicNetwork }] });

  const server = await tenant.awaitFault(id);

  const message = `Build of instance ${id} aborted: Failed to allocate the network(s), not rescheduling.`;
  expect(server['fault']).toMatchObject({ code: 500, message });
  await tenant.removeServer(id);
});

test('R6: user data that is not base64 is accepted', async () => {
  expect(await refusal({ user_data: '%%%' })).toMatchObject({ kind: 'accepted' });
});

test.each<[string, SubjectQuota, string]>([
  ['R7: instances', { instances: 1 }, 'instances: Requested 1, but already used 1 of 1 instances'],
  ['R7: memory', { ramMib: 3000 }, 'ram: Requested 2048, but already used 2048 of 3000 ram'],
  ['R7: cores', { cores: 1 }, 'cores: Requested 1, but already used 1 of 1 cores'],
  [
    'R8: several',
    { instances: 1, cores: 1 },
    'cores, instances: Requested 1, 1, but already used 1, 1 of 1, 1 cores, instances',
  ],
])('%s over quota are forbidden, in words that tell how much', async (_what, quota, words) => {
  await removeAll();
  await tenant.makeServer('first');
  await limit(quota);

  expect(await refusal({})).toEqual({ kind: 'forbidden', code: 403, message: `Quota exceeded for ${words}` });
});

test('R9: the quota of ports is checked before a create is accepted', async () => {
  await removeAll();
  await limit({ ports: 0 });

  // One port is there already: the router's.
  const message = 'The number of defined ports: 1 is over the limit: 0';
  expect(await refusal({})).toEqual({ kind: 'forbidden', code: 403, message });
});

test('R10: a 403 for lack of room differs from one by policy in its text', async () => {
  const lack = /quota exceeded|over the limit|maximum number/i;
  await removeAll();
  await tenant.makeServer('first');
  await limit({ instances: 1 });

  expect((await refusal({})).message).toMatch(lack);
  expect((await refusal({ availability_zone: 'az1:fake-1' })).message).not.toMatch(lack);
});

/** So that what counts as used is known. */
async function removeAll(): Promise<void> {
  const { json } = await tenant.nova('GET /servers');
  for (const server of listAt(json, 'servers')) await tenant.removeServer(String(at(server, 'id')));
}

test('R1: what was refused leaves no server', async () => {
  await removeAll();
  await refusal({ flavorRef: '99' });
  await refusal({ flavorRef: FLAVOR, availability_zone: 'az9' });

  expect((await tenant.nova('GET /servers')).json).toEqual({ servers: [] });
});
