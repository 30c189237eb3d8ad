import { expect, test } from 'vitest';
import { sendRaw } from '../../contract/openstack/raw-http.ts';
import type { RawAnswer } from '../../contract/openstack/raw-http.ts';
import { EmulatorRig } from './emulator-rig.ts';

async function authenticate(rig: EmulatorRig, identity: unknown): Promise<RawAnswer> {
  return await sendRaw({
    method: 'POST',
    url: `${rig.emulator.authUrl}/auth/tokens`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity } }),
  });
}

test('an application credential gives a token of its project without a scope', async () => {
  const credential = { id: 'cred-1', name: 'ci', secret: 'hush', user: 'nodepool', project: 'nodepool' };
  await using rig = await EmulatorRig.open({ options: { applicationCredentials: [credential] } });
  const methods = ['application_credential'];

  const byId = await authenticate(rig, { methods, application_credential: { id: 'cred-1', secret: 'hush' } });
  const user = { name: 'nodepool', domain: { id: 'default' } };
  const byName = await authenticate(rig, { methods, application_credential: { name: 'ci', user, secret: 'hush' } });
  const wrong = await authenticate(rig, { methods, application_credential: { id: 'cred-1', secret: 'loud' } });

  expect([byId.status, byName.status, wrong.status]).toEqual([201, 201, 401]);
  expect(byId.json).toMatchObject({ token: { methods, project: { name: 'nodepool' }, catalog: [{}, {}, {}, {}, {}] } });
});

test('a token ends after its lifetime, so that renewal can be tried', async () => {
  await using rig = await EmulatorRig.open({ options: { tokenLifetimeMs: 5000 } });
  await rig.clock.advance(4999);
  expect((await rig.call('compute', 'GET /v2.1/servers')).status).toBe(200);

  await rig.clock.advance(1);

  expect((await rig.call('compute', 'GET /v2.1/servers')).status).toBe(401);
});

test('projects see their own servers only and have quotas of their own', async () => {
  const options = {
    projects: [{ name: 'nodepool' }, { name: 'other', quota: { instances: 0 } }],
    users: [
      { name: 'nodepool', password: 'devfarm', projects: ['nodepool'] },
      { name: 'stranger', password: 'x', projects: ['other'] },
    ],
  };
  await using rig = await EmulatorRig.open({ options });
  const id = await rig.makeServer('mine');
  const body = await rig.serverBody('theirs');
  const domain = { id: 'default' };
  const user = { name: 'stranger', password: 'x', domain };
  const scoped = await sendRaw({
    method: 'POST',
    url: `${rig.emulator.authUrl}/auth/tokens`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: { identity: { methods: ['password'], password: { user } }, scope: { project: { name: 'other', domain } } },
    }),
  });
  const headers = { 'x-auth-token': String(scoped.headers['x-subject-token']), 'content-type': 'application/json' };
  const servers = `${rig.emulator.origins.compute}/v2.1/servers`;

  expect((await sendRaw({ method: 'GET', url: `${servers}/${id}`, headers })).status).toBe(404);
  const refused = await sendRaw({ method: 'POST', url: servers, headers, body: JSON.stringify(body) });
  expect(refused.text).toContain('Quota exceeded for instances: Requested 1, but already used 0 of 0 instances');
});

test('the emulator listens on loopback only, for it protects nothing', async () => {
  await expect(EmulatorRig.open({ options: { host: '0.0.0.0' } })).rejects.toThrow('must be in 127.0.0.0/8');
});
