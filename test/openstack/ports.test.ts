import { expect, test } from 'vitest';
import { neverAborted } from '../fakes/never-aborted.ts';
import { openTestProvider } from './open-test-provider.ts';
import { recorded, ReplayCloud } from './replay-cloud.ts';

const LIST = 'GET /v2.0/ports';
const FIELDS = 'fields=id&fields=name&fields=status&fields=device_id&fields=device_owner';

/** As in the transcript of ports (18): with `fields`, only these come. */
function body(id: string, facts: object = {}): object {
  return { id, name: '', status: 'ACTIVE', device_id: `server-${id}`, device_owner: 'compute:az2', ...facts };
}

test('all ports of the project are listed, page by page, with no more than what is needed', async () => {
  await using cloud = await ReplayCloud.start();
  const link = { rel: 'next', href: `http://inner:9696/v2.0/ports?limit=1&${FIELDS}&marker=a` };
  const previous = { rel: 'previous', href: 'http://inner:9696/v2.0/ports?page_reverse=True' };
  cloud.on(LIST, { json: { ports: [body('a')], ports_links: [link, previous] } }, { json: { ports: [body('b')] } });
  const { provider } = openTestProvider(cloud.url);

  const ports = await provider.listPorts(neverAborted);

  expect(ports).toEqual([
    { id: 'a', name: '', status: 'ACTIVE', deviceId: 'server-a', deviceOwner: 'compute:az2' },
    { id: 'b', name: '', status: 'ACTIVE', deviceId: 'server-b', deviceOwner: 'compute:az2' },
  ]);
  const { token } = recorded('login') as { readonly token: { readonly project: { readonly id: string } } };
  expect(cloud.seen(LIST).map(({ query }) => query)).toEqual([
    `limit=1000&${FIELDS}&tenant_id=${token.project.id}`,
    `limit=1&${FIELDS}&marker=a`,
  ]);
});

test('the list begins anew where the port that marks a page is gone', async () => {
  await using cloud = await ReplayCloud.start();
  const next = [{ rel: 'next', href: 'http://inner:9696/v2.0/ports?marker=a' }];
  const gone = { status: 404, json: { NeutronError: { type: 'PortNotFound', message: '', detail: '' } } };
  cloud.on(LIST, { json: { ports: [body('a')], ports_links: next } }, gone, { json: { ports: [body('b')] } });
  const { provider } = openTestProvider(cloud.url);

  expect((await provider.listPorts(neverAborted)).map(({ id }) => id)).toEqual(['b']);
});

test('what Neutron leaves empty is empty here', async () => {
  await using cloud = await ReplayCloud.start();
  cloud.on(LIST, { json: { ports: [{ id: 'a', name: null, status: null, device_id: null, device_owner: null }] } });
  const { provider } = openTestProvider(cloud.url);

  expect(await provider.listPorts(neverAborted)).toEqual([
    { id: 'a', name: '', status: '', deviceId: '', deviceOwner: '' },
  ]);
});

test('a cloud without Neutron has no ports', async () => {
  await using cloud = await ReplayCloud.start();
  const login = cloud.login('token-1');
  const { token } = login.json as { readonly token: { readonly catalog: readonly { readonly type: string }[] } };
  const catalog = token.catalog.filter(({ type }) => type !== 'network');
  cloud.on('POST /v3/auth/tokens', { ...login, json: { token: { ...token, catalog } } });
  const { provider } = openTestProvider(cloud.url);

  expect(await provider.listPorts(neverAborted)).toEqual([]);
  expect(cloud.seen(LIST)).toEqual([]);
});

test('a port is deleted, and one that is gone already is deleted too', async () => {
  await using cloud = await ReplayCloud.start();
  cloud.on('DELETE /v2.0/ports/a', { status: 204, text: '' }, { status: 404, json: {} });
  const { provider } = openTestProvider(cloud.url);

  await provider.deletePort('a', neverAborted);
  await provider.deletePort('a', neverAborted);

  expect(cloud.seen('DELETE /v2.0/ports/a')).toHaveLength(2);
});
