import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, listAt } from './at.ts';
import { openSubject } from './open-subject.ts';
import type { OpenStackSubject } from './openstack-subject.ts';
import { getToken, sendRaw } from './raw-http.ts';
import type { RawAnswer } from './raw-http.ts';

const UNAUTHORIZED = {
  error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' },
};
const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000Z$/) as string;
const HEX_ID = expect.stringMatching(/^[0-9a-f]{32}$/) as string;
const DOMAIN = { id: 'default', name: 'Default' };

let subject: OpenStackSubject;

beforeAll(async () => {
  subject = await openSubject();
});
afterAll(async () => {
  await subject.close();
});

type Attempt = {
  readonly user?: unknown;
  readonly scope?: unknown;
  readonly query?: string;
  readonly password?: string;
};

async function authenticate(attempt: Attempt = {}): Promise<RawAnswer> {
  const user = { name: subject.userName, password: attempt.password ?? subject.password, domain: { id: 'default' } };
  const auth = {
    identity: { methods: ['password'], password: { user: attempt.user ?? user } },
    ...(attempt.scope === null
      ? {}
      : { scope: attempt.scope ?? { project: { name: subject.projectName, domain: { id: 'default' } } } }),
  };
  return await post(`/v3/auth/tokens${attempt.query ?? ''}`, JSON.stringify({ auth }));
}

async function post(path: string, body: string): Promise<RawAnswer> {
  const headers = { 'content-type': 'application/json' };
  return await sendRaw({ method: 'POST', url: `${subject.origins.identity}${path}`, headers, body });
}

async function get(url: string, token?: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
  return await sendRaw({
    method: 'GET',
    url,
    headers: { ...(token === undefined ? {} : { 'x-auth-token': token }), ...headers },
  });
}

test('I1, I2: a password and a project give a token in a header, and its facts and the catalog in the body', async () => {
  const answer = await authenticate();

  expect(answer.status).toBe(201);
  expect(answer.headers['x-subject-token']).toMatch(/^gAAAAA/);
  expect(answer.headers['x-openstack-request-id']).toMatch(/^req-/);
  expect((answer.json as { token: object }).token).toEqual({
    methods: ['password'],
    user: { domain: DOMAIN, id: HEX_ID, name: subject.userName, password_expires_at: null },
    audit_ids: [expect.any(String)],
    expires_at: INSTANT,
    issued_at: INSTANT,
    project: { domain: DOMAIN, id: HEX_ID, name: subject.projectName },
    is_domain: false,
    // In any order: it changes from run to run.
    roles: expect.toSatisfy((roles: unknown) => isSameSet(roles, ['member', 'reader'])) as unknown,
    catalog: expect.any(Array) as unknown[],
  });
});

test('I3, I4, I5: the catalog names where each service is, with the paths that clients complete', async () => {
  const { token } = (await authenticate()).json as { token: { catalog: CatalogEntry[] } };

  const urls = token.catalog.map(({ type, endpoints }) => [
    type,
    endpoints.find((each) => each.interface === 'public')?.url,
  ]);
  const { identity, compute, image, network } = subject.origins;
  expect(Object.fromEntries(urls)).toMatchObject({
    identity: `${identity}/v3`,
    compute: `${compute}/v2.1`,
    image,
    network,
    placement: expect.any(String) as string,
  });
  const endpoint = token.catalog[0]?.endpoints[0];
  expect(Object.keys(endpoint ?? {}).sort()).toEqual(['id', 'interface', 'region', 'region_id', 'url']);
});

test('I6, I14: without a scope there is a token that knows no project, roles or catalog, and Nova shows it an empty list', async () => {
  const answer = await authenticate({ scope: null });

  const token = answer.headers['x-subject-token'];
  expect(Object.keys((answer.json as { token: object }).token)).toEqual([
    'methods',
    'user',
    'audit_ids',
    'expires_at',
    'issued_at',
  ]);
  expect((await get(`${subject.origins.compute}/v2.1/servers`, token)).json).toEqual({ servers: [] });
});

test('I7: a token can be traded for one that ends at the same time', async () => {
  const first = await authenticate({ query: '?nocatalog' });
  await subject.pass(2000);

  const id = first.headers['x-subject-token'];
  const traded = await post(
    '/v3/auth/tokens',
    JSON.stringify({ auth: { identity: { methods: ['token'], token: { id } } } }),
  );

  type Facts = { token: { expires_at: string; methods: string[]; audit_ids: string[]; catalog?: unknown } };
  const [a, b] = [(first.json as Facts).token, (traded.json as Facts).token];
  expect(traded.status).toBe(201);
  // A set in Keystone: their order changes from run to run.
  expect(b.methods.sort()).toEqual(['password', 'token']);
  expect([b.expires_at, b.audit_ids[1]]).toEqual([a.expires_at, a.audit_ids[0]]);
  expect(a.catalog).toBeUndefined();
});

test('I8, I11: a token can be looked at and revoked, and Keystone refuses it at once, naming itself', async () => {
  const token = await getToken(subject.origins.identity, subject);
  const url = `${subject.origins.identity}/v3/auth/tokens`;
  const headers = { 'x-auth-token': token, 'x-subject-token': token };

  expect((await get(url, token, { 'x-subject-token': token })).status).toBe(200);
  expect((await sendRaw({ method: 'DELETE', url, headers })).status).toBe(204);

  const refused = await get(`${subject.origins.identity}/v3/auth/catalog`, token);
  expect([refused.status, refused.json]).toEqual([401, UNAUTHORIZED]);
  expect(refused.headers['www-authenticate']).toBe(`Keystone uri="${subject.origins.identity}/v3"`);
});

test.each<[string, Attempt]>([
  ['a wrong password', { password: 'wrong' }],
  ['an unknown user', { user: { name: 'nobody', password: 'x', domain: { id: 'default' } } }],
  ['an unknown project', { scope: { project: { name: 'nothing', domain: { id: 'default' } } } }],
  ['an unknown domain', { user: { name: 'nodepool', password: 'any', domain: { name: 'Nowhere' } } }],
])('I9, I10: %s is refused in words that do not tell what was wrong', async (_what, attempt) => {
  const answer = await authenticate(attempt);

  expect([answer.status, answer.json]).toEqual([401, UNAUTHORIZED]);
});

test.each(['{"auth": {}}', '{not json'])('I12: %s is a bad request', async (body) => {
  const answer = await post('/v3/auth/tokens', body);

  expect(answer.status).toBe(400);
  expect(answer.json).toEqual({ error: { code: 400, message: expect.any(String) as string, title: 'Bad Request' } });
});

test.each([undefined, 'gAAAAABnotatoken'])(
  'I11, I13: each service refuses the token %s, Glance alone in text',
  async (token) => {
    const { identity, compute, image, network } = subject.origins;
    for (const url of [`${identity}/v3/auth/catalog`, `${compute}/v2.1/servers`, `${network}/v2.0/ports`]) {
      const answer = await get(url, token);
      expect([answer.status, answer.json]).toEqual([401, UNAUTHORIZED]);
      expect(answer.headers['www-authenticate']).toBe(`Keystone uri="${identity}/v3"`);
    }

    const answer = await get(`${image}/v2/images`, token);

    expect([answer.status, answer.headers['content-type']]).toEqual([401, 'text/plain; charset=UTF-8']);
    expect(answer.text).toMatch(/^401 Unauthorized\n\nThis server could not verify/);
  },
);

test("I15: an administrator's things are forbidden to a plain user", async () => {
  const token = await getToken(subject.origins.identity, subject);
  const { identity, compute } = subject.origins;
  const policy = (rule: string): string => `Policy doesn't allow os_compute_api:${rule} to be performed.`;
  const forbidden = (message: string): object => ({ forbidden: { code: 403, message } });

  expect((await get(`${identity}/v3/users`, token)).json).toMatchObject({ error: { code: 403, title: 'Forbidden' } });
  expect((await get(`${compute}/v2.1/servers/detail?all_tenants=1`, token)).json).toEqual(
    forbidden(policy('servers:detail:get_all_tenants')),
  );
  expect((await get(`${compute}/v2.1/os-hypervisors`, token)).json).toEqual(forbidden(policy('os-hypervisors:list')));
});

type CatalogEntry = {
  readonly type: string;
  readonly endpoints: readonly { readonly interface: string; readonly url: string }[];
};

function isSameSet(roles: unknown, names: readonly string[]): boolean {
  const found = listAt({ roles }, 'roles').map((role) => String(at(role, 'name')));
  return found.sort().join() === [...names].sort().join();
}
