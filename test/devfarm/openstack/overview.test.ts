import { expect, test } from 'vitest';
import { EmulatorRig } from './emulator-rig.ts';

test('calls are counted by kind and by status, so that a test can say how many a pass may send', async () => {
  await using rig = await EmulatorRig.open();
  const id = await rig.makeServer('counted');
  await rig.call('identity', 'DELETE /_devfarm/calls');

  await rig.call('compute', 'GET /v2.1/servers/detail?limit=1000');
  await rig.call('compute', 'GET /v2.1/servers/detail');
  await rig.call('compute', `POST /v2.1/servers/${id}/action`, { createImage: { name: 'shot' } });
  await rig.call('image', 'GET /v2/nowhere');

  expect(await rig.json('image', 'GET /_devfarm/calls')).toEqual({
    total: 4,
    calls: {
      'compute GET /v2.1/servers/detail': 2,
      'compute POST /v2.1/servers/:id/action createImage': 1,
      'image GET (unknown)': 1,
    },
    statuses: { '200': 2, '202': 1, '404': 1 },
  });
});

test('the overview names all that could be left behind, whoever made it', async () => {
  await using rig = await EmulatorRig.open();
  expect(await rig.json('identity', 'GET /_devfarm/servers')).toEqual({
    servers: [],
    images: [],
    floating_ips: [],
    ports: [],
    keypairs: [],
  });
  const id = await rig.makeServer('leaked');
  await rig.call('image', 'POST /v2/images', { name: 'upload', disk_format: 'raw', container_format: 'bare' });

  const overview = await rig.json('identity', 'GET /_devfarm/servers');

  expect(overview).toMatchObject({
    servers: [{ id, name: 'leaked', status: 'ACTIVE', address: '127.80.0.1', age_s: 1 }],
    images: [{ name: 'upload', status: 'queued' }],
    ports: [{ device_id: id }],
  });
});

test('a thousand servers are accepted, become ACTIVE and are listed in pages, with an address each', async () => {
  const quota = { instances: -1, cores: -1, ramMib: -1, ports: -1 };
  await using rig = await EmulatorRig.open({ options: { projects: [{ name: 'nodepool', quota }] } });
  const body = await rig.serverBody('many');
  const statuses: number[] = [];
  for (let batch = 0; batch < 11; batch += 1) {
    const sent = Array.from({ length: 100 }, () => rig.call('compute', 'POST /v2.1/servers', body));
    statuses.push(...(await Promise.all(sent)).map(({ status }) => status));
  }
  await rig.clock.advance(1000);

  const first = (await rig.json('compute', 'GET /v2.1/servers/detail')) as ServerPage;
  const next = String(first.servers_links?.[0].href).replace(rig.emulator.origins.compute, '');
  const second = (await rig.json('compute', `GET ${next}`)) as ServerPage;

  expect(new Set(statuses)).toEqual(new Set([202]));
  expect([first.servers.length, second.servers.length]).toEqual([1000, 100]);
  const all = [...first.servers, ...second.servers];
  expect(all.every(({ status }) => status === 'ACTIVE')).toBe(true);
  expect(new Set(all.map(({ addresses }) => addresses.private?.[0].addr)).size).toBe(1100);
}, 60_000);

test('all tokens can be revoked at once, as a Keystone that was set up anew does', async () => {
  await using rig = await EmulatorRig.open();

  await rig.call('identity', 'DELETE /_devfarm/tokens');

  expect((await rig.call('compute', 'GET /v2.1/servers')).status).toBe(401);
});

type ServerPage = {
  readonly servers: readonly {
    readonly status: string;
    readonly addresses: { readonly private?: [{ addr: string }] };
  }[];
  readonly servers_links?: [{ href: string }];
};
