import { afterAll, beforeAll, expect, test } from 'vitest';
import { at } from './at.ts';
import { MISSING, Tenant } from './tenant.ts';

let tenant: Tenant;

beforeAll(async () => {
  tenant = await Tenant.open();
});
afterAll(async () => {
  await tenant.subject.close();
});

test.each([
  ['identity', 300, 'versions.values'],
  ['image', 300, 'versions'],
  ['compute', 200, 'versions'],
  ['network', 200, 'versions'],
] as const)('V1: the root of %s answers %i without a token, and lists its versions', async (service, status, path) => {
  const answer = await tenant.call(service, 'GET /', { token: null });

  expect(answer.status).toBe(status);
  expect(at(answer.json, ...path.split('.'), '0')).toMatchObject({ status: expect.stringMatching(/./) as unknown });
});

test.each([
  ['compute', '/v2.1', 200],
  ['compute', '/v2.1/', 200],
  ['identity', '/v3', 200],
  ['network', '/v2.0/', 401],
  ['image', '/v2/', 401],
] as const)('V2: %s %s answers %i without a token', async (service, path, status) => {
  const answer = await tenant.call(service, `GET ${path}`, { token: null });

  expect(answer.status).toBe(status);
});

test('V3: the version document of compute names 2.1 to 2.93', async () => {
  const answer = await tenant.nova('GET /', { token: null });

  expect(answer.json).toMatchObject({ version: { id: 'v2.1', version: '2.93', min_version: '2.1' } });
});

test('V4: compute offers choices outside of any version, and answers 404 in text below its own', async () => {
  const outside = await tenant.call('compute', 'GET /nowhere');
  expect([outside.status, at(outside.json, 'choices', '1', 'id')]).toEqual([300, 'v2.1']);

  const below = await tenant.nova('GET /nowhere');
  expect([below.status, below.headers['content-type'], below.json]).toEqual([
    404,
    'text/plain; charset=UTF-8',
    undefined,
  ]);
});

const NEW = (version: string): Record<string, string> => ({ 'openstack-api-version': version });
const OLD = (version: string): Record<string, string> => ({ 'x-openstack-nova-api-version': version });

test.each([
  ['V5: the old header', OLD('2.10'), '2.10'],
  ['V5: the new header', NEW('compute 2.60'), '2.60'],
  ['V5: both headers, of which the new one wins', { ...OLD('2.10'), ...NEW('compute 2.60') }, '2.60'],
  ['V6: latest', NEW('compute latest'), '2.93'],
  ['V8: the header for another service, which is ignored', NEW('volume 3.0'), '2.1'],
  ['V6: no header', {}, '2.1'],
])('%s: both answer headers name the version that was used', async (_what, headers, version) => {
  const answer = await tenant.nova('GET /flavors?limit=1', { headers });

  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
  expect(answer.headers['openstack-api-version']).toBe(`compute ${version}`);
  expect(answer.headers['x-openstack-nova-api-version']).toBe(version);
});

test.each(['2.94', '2.0'])('V7: version %s is outside of what compute speaks: 406, with both ends', async (version) => {
  const answer = await tenant.nova('GET /flavors', { version });

  const message = `Version ${version} is not supported by the API. Minimum is 2.1 and maximum is 2.93.`;
  expect([answer.status, answer.json]).toEqual([406, { computeFault: { code: 406, message } }]);
});

test('V8: what is not a version is a bad request', async () => {
  const answer = await tenant.nova('GET /flavors', { headers: NEW('compute abc') });

  expect([answer.status, Object.keys(answer.json as object)]).toEqual([400, ['badRequest']]);
});

test('V9, V10: a compute error is one key that names its kind, as JSON with a charset', async () => {
  const key = { keypair: { name: 'twice', public_key: KEY } };
  await tenant.nova('POST /os-keypairs', { body: key });

  const errors = [
    ['badRequest', 400, await tenant.nova('POST /servers', { body: '{' })],
    ['forbidden', 403, await tenant.nova('GET /os-hypervisors')],
    ['itemNotFound', 404, await tenant.nova(`GET /servers/${MISSING}`)],
    ['conflictingRequest', 409, await tenant.nova('POST /os-keypairs', { body: key })],
    ['computeFault', 406, await tenant.nova('GET /servers', { version: '2.94' })],
  ] as const;

  for (const [kind, code, answer] of errors) {
    expect(answer.json).toEqual({ [kind]: { code, message: expect.stringMatching(/./) as unknown } });
    expect([answer.status, answer.headers['content-type']]).toEqual([code, 'application/json; charset=UTF-8']);
  }
});

test('V11: a network error has a type, a message and a detail', async () => {
  const answer = await tenant.neutron(`GET /ports/${MISSING}`);

  const message = expect.stringMatching(/./) as unknown;
  expect(answer.status).toBe(404);
  expect(answer.json).toEqual({ NeutronError: { type: 'PortNotFound', message, detail: '' } });
});

test('V12: the form of an image error depends on Accept: only its status can be relied on', async () => {
  const ask = (accept?: string): ReturnType<typeof tenant.glance> =>
    tenant.glance(`GET /images/${MISSING}`, { headers: accept === undefined ? {} : { accept } });

  const plain = await ask();
  expect([plain.status, plain.headers['content-type']]).toEqual([404, 'text/plain; charset=UTF-8']);
  for (const accept of ['*/*', 'text/html']) {
    const html = await ask(accept);
    expect([html.status, html.headers['content-type']]).toEqual([404, 'text/html; charset=UTF-8']);
  }
  const json = await ask('application/json');
  const message = expect.stringContaining(`No image found with ID ${MISSING}<br /><br />`) as unknown;
  expect([json.status, json.json]).toEqual([404, { message, code: '404 Not Found', title: 'Not Found' }]);
});

test('V13: the network service speaks no HTML', async () => {
  const answer = await tenant.neutron('GET /ports/missing', { headers: { accept: 'text/html' } });

  expect(answer.status).toBe(406);
});

test('V14: every service gives a request id, also with an error', async () => {
  const answers = [
    await tenant.call('identity', 'GET /v3/auth/catalog'),
    await tenant.nova('GET /servers'),
    await tenant.nova('GET /servers/missing'),
    await tenant.neutron('GET /ports/missing'),
    await tenant.glance('GET /images'),
  ];

  for (const { headers } of answers) expect(headers['x-openstack-request-id']).toMatch(/^req-[0-9a-f-]{36}$/);
});

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL0Y0N1Y3E9oVqNYp1nhkGlbEHMmMXQjXJ2yz3fyQZlF contract@example.org';
