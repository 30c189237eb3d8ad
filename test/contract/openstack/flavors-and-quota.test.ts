import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, listAt } from './at.ts';
import { FLAVOR, Tenant } from './tenant.ts';

let tenant: Tenant;

beforeAll(async () => {
  tenant = await Tenant.open();
});
afterAll(async () => {
  await tenant.subject.close();
});

const DETAIL = [
  ...['OS-FLV-DISABLED:disabled', 'OS-FLV-EXT-DATA:ephemeral', 'disk', 'id', 'links', 'name'],
  ...['os-flavor-access:is_public', 'ram', 'rxtx_factor', 'swap', 'vcpus'],
];

test('F1: the list of flavors has names and ids, the detailed one all the rest', async () => {
  const brief = await tenant.nova('GET /flavors');
  const detailed = await tenant.nova('GET /flavors/detail');

  const [first] = listAt(brief.json, 'flavors');
  expect(Object.keys(first as object).sort()).toEqual(['id', 'links', 'name']);
  const small = listAt(detailed.json, 'flavors').find((flavor) => at(flavor, 'id') === FLAVOR);
  expect(Object.keys(small as object).sort()).toEqual(DETAIL);
  expect(small).toMatchObject({ name: 'm1.small', ram: 2048, disk: 20, vcpus: 1, swap: '', rxtx_factor: 1 });
});

test('F2: descriptions come at 2.60, extra specs with a single flavor at 2.61', async () => {
  const listed = async (version: string): Promise<unknown> =>
    at((await tenant.nova('GET /flavors?limit=1', { version })).json, 'flavors', '0');
  const single = async (version: string): Promise<unknown> =>
    at((await tenant.nova(`GET /flavors/${FLAVOR}`, { version })).json, 'flavor');

  expect(await listed('2.1')).not.toHaveProperty('description');
  expect(await listed('2.60')).toMatchObject({ description: null });
  expect(Object.keys((await single('2.1')) as object).sort()).toEqual(DETAIL);
  expect(await single('2.61')).toMatchObject({ description: null, extra_specs: {} });
});

test('F3: flavors come in pages, by least memory, and an unknown one is not found', async () => {
  const page = await tenant.nova('GET /flavors/detail?minRam=3000&limit=1');
  const missing = await tenant.nova('GET /flavors/nothing');

  expect(listAt(page.json, 'flavors').map((flavor) => at(flavor, 'name'))).toEqual(['m1.medium']);
  const links = [{ rel: 'next', href: expect.stringContaining('minRam=3000&marker=3') as unknown }];
  expect(at(page.json, 'flavors_links')).toEqual(links);
  const message = 'Flavor nothing could not be found.';
  expect([missing.status, missing.json]).toEqual([404, { itemNotFound: { code: 404, message } }]);
});

test('F4: zones are listed without their hosts and without the internal one; the details are for administrators', async () => {
  const zones = await tenant.nova('GET /os-availability-zone');
  const details = await tenant.nova('GET /os-availability-zone/detail');

  const zone = (zoneName: string): object => ({ zoneName, zoneState: { available: true }, hosts: null });
  expect(zones.json).toEqual({ availabilityZoneInfo: [zone('az1'), zone('az2')] });
  expect(details.status).toBe(403);
});

test('F5: limits tell what is allowed and what is used', async () => {
  const answer = await tenant.nova('GET /limits');

  expect(at(answer.json, 'limits')).toMatchObject({
    rate: [],
    absolute: {
      ...{ maxTotalInstances: 20, maxTotalCores: 80, maxTotalRAMSize: 163_840 },
      ...{ totalInstancesUsed: 0, totalCoresUsed: 0, totalRAMUsed: 0 },
    },
  });
});

test('F6: later versions leave the keys of networks and images out of the limits', async () => {
  const keysAt = async (version: string): Promise<string[]> =>
    Object.keys(at((await tenant.nova('GET /limits', { version })).json, 'limits', 'absolute') as object);

  const gone = ['maxTotalFloatingIps', 'maxSecurityGroups', 'maxImageMeta', 'maxPersonality', 'totalFloatingIpsUsed'];
  expect(await keysAt('2.1')).toEqual(expect.arrayContaining(gone));
  expect((await keysAt('2.60')).filter((key) => gone.includes(key))).toEqual([]);
});

test('F7: the quota can be read, in detail too, and not set', async () => {
  const path = `/os-quota-sets/${tenant.ids.project}`;
  const read = async (line: string): Promise<unknown> => at((await tenant.nova(line)).json, 'quota_set');

  expect(await read(`GET ${path}`)).toMatchObject({ id: tenant.ids.project, instances: 20, cores: 80 });
  expect(await read(`GET ${path}/detail`)).toMatchObject({ instances: { limit: 20, in_use: 0, reserved: 0 } });
  expect(await read(`GET ${path}/defaults`)).toMatchObject({ instances: 10, cores: 20 });
  expect((await tenant.nova(`PUT ${path}`, { body: { quota_set: { instances: 99 } } })).status).toBe(403);
});

test('F8: a server counts as used once it is scheduled, soon after its create was accepted, until it is gone', async () => {
  const used = async (): Promise<unknown> => {
    const absolute = at((await tenant.nova('GET /limits')).json, 'limits', 'absolute');
    return ['totalInstancesUsed', 'totalCoresUsed', 'totalRAMUsed'].map((key) => at(absolute, key));
  };

  const id = await tenant.createServer('counted');
  await tenant.until('the server to be scheduled', async () => {
    const server = await tenant.findServer(id);
    return server?.['OS-EXT-STS:task_state'] !== 'scheduling';
  });
  expect(await used()).toEqual([1, 1, 2048]);

  await tenant.removeServer(id);
  expect(await used()).toEqual([0, 0, 0]);
});
