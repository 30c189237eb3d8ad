import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, listAt } from './at.ts';
import { onlyOn } from './only-on.ts';
import type { RawAnswer } from './raw-http.ts';
import { MISSING, Tenant } from './tenant.ts';

let tenant: Tenant;
let server: string;
let port: string;

beforeAll(async () => {
  tenant = await Tenant.open();
  server = await tenant.makeServer('floaty');
  port = await portOf(server);
});
afterAll(async () => {
  await tenant.subject.close();
});

async function portOf(id: string): Promise<string> {
  const { json } = await tenant.neutron(`GET /ports?device_id=${id}`);
  return String(at(json, 'ports', '0', 'id'));
}

const create = (facts: object = {}): Promise<RawAnswer> =>
  tenant.neutron('POST /floatingips', {
    body: { floatingip: { floating_network_id: tenant.ids.publicNetwork, ...facts } },
  });

const bind = (id: string, to: string | null): Promise<RawAnswer> =>
  tenant.neutron(`PUT /floatingips/${id}`, { body: { floatingip: { port_id: to } } });

const remove = (id: string): Promise<RawAnswer> => tenant.neutron(`DELETE /floatingips/${id}`);

/** The id of an address that was made. */
const idOf = (answer: RawAnswer): string => String(at(answer.json, 'floatingip', 'id'));

const addresses = async (id: string): Promise<unknown[]> =>
  listAt(await tenant.findServer(id), 'addresses', 'private').map((each) => at(each, 'OS-EXT-IPS:type'));

test('A1, A2: an address is made, bound to a port, shown, freed and deleted', async () => {
  const made = await create();
  const id = idOf(made);
  const bound = await bind(id, port);

  const free = { port_id: null, fixed_ip_address: null, router_id: null };
  expect([made.status, made.json]).toMatchObject([201, { floatingip: free }]);
  const text = expect.stringMatching(/./) as unknown;
  const taken = { port_id: port, fixed_ip_address: text, router_id: text, port_details: { device_id: server } };
  expect([bound.status, bound.json]).toMatchObject([200, { floatingip: taken }]);
  expect((await bind(id, null)).json).toMatchObject({ floatingip: free });
  expect((await remove(id)).status).toBe(204);
  const again = await remove(id);
  expect([again.status, at(again.json, 'NeutronError', 'type')]).toEqual([404, 'FloatingIPNotFound']);
});

onlyOn(
  { kind: 'real', because: 'no L3 agent runs there, and the emulator may say ACTIVE' },
  'A2: a bound address stays DOWN',
  async () => {
    const bound = await create({ port_id: port });

    expect(bound.json).toMatchObject({ floatingip: { status: 'DOWN', port_id: port } });
    await remove(idOf(bound));
  },
);

test('A3: the server shows the address some time after it was bound, and no longer some time after it was freed', async () => {
  const id = idOf(await create());

  await bind(id, port);
  await tenant.until('the address to be shown', async () => (await addresses(server)).length === 2);
  expect(await addresses(server)).toEqual(['fixed', 'floating']);

  await bind(id, null);
  await tenant.until('the address to be hidden', async () => (await addresses(server)).length === 1);
  expect(await addresses(server)).toEqual(['fixed']);
  await remove(id);
});

test('A4: what cannot be is refused with a type: two on one port, a wrong network, no network, over quota', async () => {
  const first = idOf(await create({ port_id: port }));
  const refusal = (answer: RawAnswer): unknown => [answer.status, at(answer.json, 'NeutronError', 'type')];

  expect(refusal(await create({ port_id: port }))).toEqual([409, 'FloatingIPPortAlreadyAssociated']);
  const inner = { floating_network_id: tenant.ids.privateNetwork };
  expect(refusal(await create(inner))).toEqual([400, 'BadRequest']);
  expect(refusal(await create({ floating_network_id: MISSING }))).toEqual([404, 'NetworkNotFound']);
  expect(refusal(await create({ floating_network_id: undefined }))).toEqual([400, 'HTTPBadRequest']);
  await tenant.subject.setQuota({ floatingIps: 1 });
  expect(refusal(await create())).toEqual([409, 'OverQuota']);
  await tenant.subject.setQuota({});
  await remove(first);
});

test('A5: the address of a deleted server stays, bound to nothing', async () => {
  const passing = await tenant.makeServer('passing');
  const id = idOf(await create({ port_id: await portOf(passing) }));

  await tenant.removeServer(passing);

  const left = await tenant.neutron(`GET /floatingips/${id}`);
  expect(left.json).toMatchObject({ floatingip: { id, port_id: null, router_id: null } });
  await remove(id);
});

test("A6, A7: Nova's proxy makes an address, binds it so that it is seen at once, frees and deletes it", async () => {
  const made = await tenant.nova('POST /os-floating-ips', { body: { pool: 'public' } });
  const ip = String(at(made.json, 'floating_ip', 'ip'));
  const id = String(at(made.json, 'floating_ip', 'id'));
  const act = (action: string, address: string): Promise<RawAnswer> =>
    tenant.nova(`POST /servers/${server}/action`, { body: { [action]: { address } } });

  expect([made.status, made.json]).toEqual([
    200,
    { floating_ip: { id, ip, pool: 'public', fixed_ip: null, instance_id: null } },
  ]);
  const added = await act('addFloatingIp', ip);
  expect([added.status, added.text]).toEqual([202, '']);
  expect(await addresses(server)).toEqual(['fixed', 'floating']);
  expect((await act('addFloatingIp', '198.51.100.1')).status).toBe(404);
  expect((await act('removeFloatingIp', ip)).status).toBe(202);
  expect((await tenant.nova(`DELETE /os-floating-ips/${id}`)).status).toBe(202);
});

test("A6: Nova's proxy knows no other pool, and keeps the quota", async () => {
  const make = async (pool: string): Promise<number> =>
    (await tenant.nova('POST /os-floating-ips', { body: { pool } })).status;

  expect(await make('nothing')).toBe(404);
  await tenant.subject.setQuota({ floatingIps: 0 });
  expect(await make('public')).toBe(403);
  await tenant.subject.setQuota({});
});

test('A8: the list of the proxy is gone from 2.36, its action from 2.44', async () => {
  const body = { addFloatingIp: { address: '203.0.113.9' } };

  expect((await tenant.nova('GET /os-floating-ips', { version: '2.36' })).status).toBe(404);
  const action = await tenant.nova(`POST /servers/${server}/action`, { body, version: '2.44' });
  expect(action.status).toBe(404);
});

test("A9: a server's port is found by it and goes with it; a port of the user's own stays", async () => {
  const body = { port: { network_id: tenant.ids.privateNetwork, name: 'own' } };
  const own = String(at((await tenant.neutron('POST /ports', { body })).json, 'port', 'id'));
  const plain = await tenant.makeServer('plain', { availability_zone: 'az1' });
  const made = await tenant.neutron(`GET /ports?device_id=${plain}`);
  const user = await tenant.makeServer('user', { networks: [{ port: own }] });

  expect(listAt(made.json, 'ports')).toMatchObject([{ device_owner: 'compute:az1', status: 'ACTIVE' }]);
  await tenant.removeServer(plain);
  await tenant.removeServer(user);
  const gone = await tenant.neutron(`GET /ports/${String(at(made.json, 'ports', '0', 'id'))}`);
  expect([gone.status, at(gone.json, 'NeutronError', 'type')]).toEqual([404, 'PortNotFound']);
  expect((await tenant.neutron(`GET /ports/${own}`)).json).toMatchObject({ port: { id: own, device_id: '' } });
});

test('A10: ports come in pages, each with the way to the next, and those of Nova have no name', async () => {
  const wanted = `network_id=${tenant.ids.privateNetwork}&fields=id&fields=name&fields=device_id`;
  const whole = listAt((await tenant.neutron(`GET /ports?${wanted}`)).json, 'ports');

  const first = await tenant.neutron(`GET /ports?limit=1&${wanted}`);
  const next = listAt(first.json, 'ports_links').find((link) => at(link, 'rel') === 'next');
  const query = String(at(next, 'href')).split('?')[1] ?? '';
  const second = await tenant.neutron(`GET /ports?${query}`);

  expect(whole.find((each) => at(each, 'id') === port)).toEqual({ id: port, name: '', device_id: server });
  expect(new URLSearchParams(query).getAll('fields').sort()).toEqual(['device_id', 'id', 'name']);
  const seen = [...listAt(first.json, 'ports'), ...listAt(second.json, 'ports')];
  expect(new Set(seen.map((each) => at(each, 'id'))).size).toBe(2);
  expect(whole).toEqual(expect.arrayContaining(seen));
});

test('A11: a port is deleted once, and after that it is unknown', async () => {
  const body = { port: { network_id: tenant.ids.privateNetwork, name: 'passing' } };
  const id = String(at((await tenant.neutron('POST /ports', { body })).json, 'port', 'id'));

  const removed = await tenant.neutron(`DELETE /ports/${id}`);
  const again = await tenant.neutron(`DELETE /ports/${id}`);

  expect(removed.status).toBe(204);
  expect([again.status, at(again.json, 'NeutronError', 'type')]).toEqual([404, 'PortNotFound']);
});
