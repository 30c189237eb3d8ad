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

test('N1: networks are filtered and trimmed by the query, and a missing one is not found', async () => {
  const { privateNetwork, publicNetwork } = tenant.ids;

  const byName = await tenant.neutron('GET /networks?name=private&fields=id');
  const external = await tenant.neutron('GET /networks?router:external=true&fields=id&fields=name');
  const missing = await tenant.neutron('GET /networks/nothing');

  expect(byName.json).toEqual({ networks: [{ id: privateNetwork }] });
  expect(external.json).toEqual({ networks: [{ id: publicNetwork, name: 'public' }] });
  expect([missing.status, at(missing.json, 'NeutronError', 'type')]).toEqual([404, 'NetworkNotFound']);
});

test('N2: lists are JSON whatever their spacing', async () => {
  for (const list of ['networks', 'subnets', 'routers', 'security-groups', 'ports', 'floatingips']) {
    const answer = await tenant.neutron(`GET /${list}`);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(at(answer.json, list.replace('-', '_'))).toBeInstanceOf(Array);
  }
});

test('N3: a tenant sees its own and the external network, and its own subnets only', async () => {
  const networks = await tenant.neutron('GET /networks?fields=name');
  const subnets = await tenant.neutron('GET /subnets');

  const names = listAt(networks.json, 'networks').map((network) => at(network, 'name'));
  expect(names.sort()).toEqual(['private', 'public']);
  const ids = listAt((await tenant.neutron('GET /networks')).json, 'networks').map((network) => at(network, 'id'));
  expect(ids).toEqual([...ids].sort()); // not of their making, so no client may take "the first"
  const owners = listAt(subnets.json, 'subnets').map((subnet) => at(subnet, 'network_id'));
  expect(owners).toEqual([tenant.ids.privateNetwork]);
});

test.each(['/os-networks', '/os-tenant-networks', '/os-floating-ip-pools', '/os-security-groups', '/images'])(
  "N4: Nova's old proxy %s answers at 2.1, and is gone from 2.36",
  async (path) => {
    expect((await tenant.nova(`GET ${path}`)).status).toBe(200);
    expect((await tenant.nova(`GET ${path}`, { version: '2.36' })).status).toBe(404);
  },
);
