import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, listAt } from './at.ts';
import { FLAVOR, Tenant } from './tenant.ts';

const TEXT = expect.stringMatching(/./) as unknown;
const LINKS = expect.any(Array) as unknown;
const ADDRESS = {
  version: 4,
  addr: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/) as unknown,
  'OS-EXT-IPS:type': 'fixed',
  'OS-EXT-IPS-MAC:mac_addr': expect.stringMatching(/^fa:16:3e(:[0-9a-f]{2}){3}$/) as unknown,
};

let tenant: Tenant;
/** An ACTIVE server with nothing special, for facts that only look. */
let plain: string;

beforeAll(async () => {
  tenant = await Tenant.open();
  plain = await tenant.makeServer('plain');
});
afterAll(async () => {
  await tenant.subject.close();
});

test('C1: a create is accepted; its answer has the id, links, a password and security groups, and nothing else', async () => {
  const answer = await tenant.nova('POST /servers', { body: tenant.serverBody('accepted') });

  const id = String(at(answer.json, 'server', 'id'));
  expect([answer.status, answer.headers['location']]).toEqual([
    202,
    `${tenant.subject.origins.compute}/v2.1/servers/${id}`,
  ]);
  expect(answer.json).toEqual({
    server: {
      ...{ id, links: LINKS, adminPass: TEXT, 'OS-DCF:diskConfig': 'MANUAL' },
      security_groups: [{ name: 'default' }],
    },
  });
});

test('C2, C3: a new server shows nothing of its place yet, and goes through its tasks in one order', async () => {
  const id = await tenant.createServer('watched');

  const seen = await tenant.watch(id, (server) => server?.['status'] !== 'BUILD');

  expect(seen[0]).toMatchObject({
    ...{ status: 'BUILD', addresses: {}, hostId: '', 'OS-EXT-AZ:availability_zone': '' },
    ...{ 'OS-EXT-STS:task_state': 'scheduling', 'OS-EXT-STS:vm_state': 'building', 'OS-EXT-STS:power_state': 0 },
    'OS-SRV-USG:launched_at': null,
  });
  expect(seen[0]).not.toHaveProperty('security_groups');
  const order = ['scheduling', null, 'networking', 'block_device_mapping', 'spawning'];
  const tasks = seen.slice(0, -1).map((server) => order.indexOf(server?.['OS-EXT-STS:task_state'] as string | null));
  expect(tasks).not.toContain(-1);
  // Networks and disks are made ready side by side, so those two come in any order.
  const ranks = tasks.map((place) => (place === 3 ? 2 : place));
  expect(ranks).toEqual([...ranks].sort());
  expect(seen.at(-1)).toMatchObject({ status: 'ACTIVE' });
});

test('C4: an ACTIVE server has an address in its network, a launch time and its security groups', async () => {
  const server = await tenant.findServer(plain);

  expect(server).toMatchObject({
    ...{ status: 'ACTIVE', addresses: { private: [ADDRESS] }, security_groups: [{ name: 'default' }] },
    ...{ 'OS-EXT-STS:vm_state': 'active', 'OS-EXT-STS:power_state': 1, 'OS-EXT-STS:task_state': null },
    'OS-SRV-USG:launched_at': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000$/) as unknown,
  });
});

test('C5: a flavor is shown by its id up to 2.46, and by its sizes from 2.47', async () => {
  const flavorAt = async (version: string): Promise<unknown> => (await tenant.findServer(plain, version))?.['flavor'];

  const byId = { id: FLAVOR, links: LINKS };
  const bySize = { vcpus: 1, ram: 2048, disk: 20, ephemeral: 0, swap: 0, original_name: 'm1.small', extra_specs: {} };
  expect([await flavorAt('2.1'), await flavorAt('2.26')]).toEqual([byId, byId]);
  expect([await flavorAt('2.47'), await flavorAt('2.93')]).toEqual([bySize, bySize]);
  const image = { id: tenant.ids.baseImage, links: LINKS };
  expect(await tenant.findServer(plain)).toMatchObject({ image, config_drive: '', metadata: {} });
});

test('C6: later versions only add fields', async () => {
  const keysAt = async (version: string): Promise<string[]> =>
    Object.keys((await tenant.findServer(plain, version)) ?? {}).sort();

  const [first, middle, last] = [await keysAt('2.1'), await keysAt('2.26'), await keysAt('2.93')];

  expect(middle).toEqual(expect.arrayContaining([...first, 'locked', 'description', 'tags']));
  const added = ['locked_reason', 'trusted_image_certificates', 'OS-EXT-SRV-ATTR:hostname', 'server_groups'];
  expect(last).toEqual(expect.arrayContaining([...middle, ...added]));
});

test('C7: the plain list has ids, names and links; the details have all; addresses, ports and groups have lists too', async () => {
  const brief = listAt((await tenant.nova('GET /servers?name=plain')).json, 'servers');
  const details = listAt((await tenant.nova('GET /servers/detail?name=plain')).json, 'servers');
  const part = async (path: string): Promise<unknown> => (await tenant.nova(`GET /servers/${plain}/${path}`)).json;

  expect(brief).toEqual([{ id: plain, name: 'plain', links: LINKS }]);
  expect(Object.keys(details[0] as object).sort()).toEqual(Object.keys((await tenant.findServer(plain)) ?? {}).sort());
  const { addr, version } = ADDRESS;
  expect(await part('ips')).toEqual({ addresses: { private: [{ addr, version }] } });
  expect(await part('os-interface')).toMatchObject({ interfaceAttachments: [{ port_state: 'ACTIVE' }] });
  expect(await part('os-security-groups')).toMatchObject({ security_groups: [{ name: 'default' }] });
});

test('C8: a zone, a config drive, a key, metadata, groups and user data can be asked for together', async () => {
  await tenant.nova('POST /os-keypairs', { body: { keypair: { name: 'contract' } } });
  await tenant.neutron('POST /security-groups', { body: { security_group: { name: 'ci' } } });
  const metadata = { nodepool: '{"node_id": 1}', groups: 'a,b' };
  const facts = { availability_zone: 'az2', config_drive: true, key_name: 'contract', metadata };
  const script = Buffer.from('#!/bin/sh\ntrue\n').toString('base64');

  const id = await tenant.createServer('options', { ...facts, security_groups: [{ name: 'ci' }], user_data: script });

  const young = await tenant.findServer(id);
  const grown = await tenant.awaitStatus(id, 'ACTIVE');
  const shown = { 'OS-EXT-AZ:availability_zone': 'az2', config_drive: 'True', key_name: 'contract', metadata };
  expect(young).toMatchObject(shown);
  expect(grown).toMatchObject({ ...shown, security_groups: [{ name: 'ci' }] });
});

test('C9: at 2.37 "auto" takes the only network of the project, and networks must be named', async () => {
  const body = (networks?: string): object => {
    return tenant.serverBody('auto', { networks }); // undefined: JSON leaves it out
  };

  const auto = await tenant.nova('POST /servers', { body: body('auto'), version: '2.37' });
  const none = await tenant.nova('POST /servers', { body: body(), version: '2.37' });

  expect([auto.status, none.status]).toEqual([202, 400]);
  const server = await tenant.awaitStatus(String(at(auto.json, 'server', 'id')), 'ACTIVE');
  expect(Object.keys(server['addresses'] as object)).toEqual(['private']);
});

test('C10: a filter that fits nothing gives an empty list, also an unknown status; an unknown marker is refused', async () => {
  const ask = async (query: string): Promise<unknown> => {
    const answer = await tenant.nova(`GET /servers/detail?${query}`);
    return [answer.status, at(answer.json, 'servers')];
  };

  expect(await ask('name=other')).toEqual([200, []]);
  expect(await ask('status=NONSENSE')).toEqual([200, []]);
  expect(await ask('marker=missing')).toEqual([400, undefined]);
});

test('C11: posted metadata is merged, and the answer is the whole map; a key can be deleted', async () => {
  const path = `/servers/${plain}/metadata`;
  const post = (metadata: object): ReturnType<typeof tenant.nova> =>
    tenant.nova(`POST ${path}`, { body: { metadata } });

  await post({ first: '1' });
  const second = await post({ second: '2' });
  const deleted = await tenant.nova(`DELETE ${path}/first`);

  expect([second.status, second.json]).toEqual([200, { metadata: { first: '1', second: '2' } }]);
  expect([deleted.status, deleted.text]).toEqual([204, '']);
  expect((await tenant.nova(`GET ${path}`)).json).toEqual({ metadata: { second: '2' } });
});
