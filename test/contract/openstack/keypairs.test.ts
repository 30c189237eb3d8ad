import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { at } from './at.ts';
import type { RawAnswer } from './raw-http.ts';
import { Tenant } from './tenant.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL0Y0N1Y3E9oVqNYp1nhkGlbEHMmMXQjXJ2yz3fyQZlF contract@example.org';
const FINGERPRINT = '5e:40:25:39:48:fe:73:0d:7c:bc:f1:60:58:98:47:19';

let tenant: Tenant;

beforeAll(async () => {
  tenant = await Tenant.open();
});
afterEach(async () => {
  await tenant.nova('DELETE /os-keypairs/contract');
});
afterAll(async () => {
  await tenant.subject.close();
});

const create = (keypair: object, version = '2.1'): Promise<RawAnswer> =>
  tenant.nova('POST /os-keypairs', { body: { keypair }, version });

test('K1: create and delete answer 200 and 202 with nothing at 2.1, and 201 and 204 from 2.2', async () => {
  const remove = async (version: string): Promise<[number, string]> => {
    const answer = await tenant.nova('DELETE /os-keypairs/contract', { version });
    return [answer.status, answer.text];
  };
  const pair = { name: 'contract', public_key: KEY };

  const first = await create(pair);
  expect([first.status, at(first.json, 'keypair', 'type')]).toEqual([200, undefined]);
  expect(await remove('2.1')).toEqual([202, '']);
  const second = await create(pair, '2.2');
  expect([second.status, at(second.json, 'keypair', 'type')]).toEqual([201, 'ssh']);
  expect(await remove('2.2')).toEqual([204, '']);
});

test('K2: a given key is shown with its fingerprint; without one a private key is made, until 2.92', async () => {
  const given = await create({ name: 'contract', public_key: KEY });
  await tenant.nova('DELETE /os-keypairs/contract');
  const made = await create({ name: 'contract' });
  const refused = await create({ name: 'none' }, '2.92');

  const owner = { user_id: tenant.ids.user };
  expect(given.json).toEqual({
    keypair: { name: 'contract', public_key: KEY, fingerprint: FINGERPRINT, ...owner },
  });
  expect(Object.keys(at(made.json, 'keypair') as object).sort()).toEqual(
    ['fingerprint', 'name', 'private_key', 'public_key', 'user_id'].sort(),
  );
  expect(at(made.json, 'keypair', 'private_key')).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
  expect([refused.status, at(refused.json, 'badRequest', 'message')]).toEqual([
    400,
    expect.stringContaining("'public_key' is a required property"),
  ]);
});

test('K3: a second key of a name is a conflict, bad data or names bad requests, a missing pair is not found', async () => {
  await create({ name: 'contract', public_key: KEY });

  expect(await create({ name: 'contract', public_key: KEY })).toMatchObject({
    status: 409,
    json: { conflictingRequest: { message: "Key pair 'contract' already exists." } },
  });
  expect((await create({ name: 'bad', public_key: 'ssh-rsa nonsense' })).status).toBe(400);
  expect((await create({ name: 'a/b' })).status).toBe(400);
  expect((await tenant.nova('GET /os-keypairs/missing')).status).toBe(404);
  expect((await tenant.nova('DELETE /os-keypairs/missing')).status).toBe(404);
});

test('K4: each pair in a list is wrapped, and the quota is kept', async () => {
  await create({ name: 'contract', public_key: KEY });
  await tenant.subject.setQuota({ keyPairs: 1 });

  const listed = await tenant.nova('GET /os-keypairs');
  const over = await create({ name: 'over', public_key: KEY });
  await tenant.subject.setQuota({});

  const pair = { name: 'contract', public_key: KEY, fingerprint: FINGERPRINT };
  expect(listed.json).toEqual({ keypairs: [{ keypair: pair }] });
  const message = 'Quota exceeded, too many key pairs.';
  expect([over.status, over.json]).toEqual([403, { forbidden: { code: 403, message } }]);
});

test('K5: a key pair may be deleted while a server made with it lives, and the server still names it', async () => {
  await create({ name: 'contract', public_key: KEY });
  const id = await tenant.makeServer('keyed', { key_name: 'contract' });

  expect((await tenant.nova('DELETE /os-keypairs/contract')).status).toBe(202);

  expect(await tenant.findServer(id)).toMatchObject({ key_name: 'contract' });
  await tenant.removeServer(id);
});
