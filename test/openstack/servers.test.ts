import { describe, expect, test } from 'vitest';
import type { Server, ServerSpec } from '../../src/provider/cloud-provider.ts';
import { QuotaExceededError, RequestRefusedError } from '../../src/provider/errors.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { aCloud } from './a-provider.ts';
import { openTestProvider } from './open-test-provider.ts';
import { recorded, ReplayCloud } from './replay-cloud.ts';

const PRIVATE = '79801d34-aee0-4e88-80db-c9e4ae23075c';
const spec: ServerSpec = { name: 'node-1', imageId: 'image-1', minRamMib: 2000, metadata: { nodepool_node_id: '1' } };

/** Recorded lists of Nova have one server each; this one has as many as a test needs. */
function listOf(ids: readonly string[], next?: string): unknown {
  const { server } = recorded('server-active') as { server: object };
  const links = next === undefined ? {} : { servers_links: [{ rel: 'next', href: `http://inner:8774${next}` }] };
  return { servers: ids.map((id) => ({ ...server, id })), ...links };
}

describe('createServer', () => {
  test('sends the least body and gives the id and the password', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('POST /v2.1/servers', { status: 202, json: recorded('server-created') });
    const { provider } = openTestProvider(cloud.url);

    const created = await provider.createServer(spec, neverAborted);

    expect(created.id).toBe('1cdb53d3-cb4f-4999-912f-ec8054660d0a');
    expect(created.adminPassword?.reveal()).toBe('<ADMINPASS>');
    expect(cloud.seen('POST /v2.1/servers')).toMatchObject([
      {
        body: { server: { name: 'node-1', imageRef: 'image-1', flavorRef: '2', metadata: { nodepool_node_id: '1' } } },
      },
    ]);
    expect(cloud.seen('GET /v2.0/networks')).toEqual([]); // none configured: the cloud decides
  });

  test('sends all that is asked for, networks by id and user data in base64', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('POST /v2.1/servers', { status: 202, json: recorded('server-created') });
    const { provider } = openTestProvider(cloud.url, { networks: [{ id: 'net-1' }, { name: 'private' }] });

    await provider.createServer(
      {
        ...spec,
        az: 'az2',
        keyName: 'key',
        configDrive: true,
        securityGroups: ['open'],
        userData: '#!/bin/sh',
        flavorNameFilter: 'medium',
      },
      neverAborted,
    );

    expect(cloud.seen('POST /v2.1/servers')[0]?.body).toEqual({
      server: {
        name: 'node-1',
        imageRef: 'image-1',
        flavorRef: '3',
        metadata: { nodepool_node_id: '1' },
        networks: [{ uuid: 'net-1' }, { uuid: PRIVATE }],
        availability_zone: 'az2',
        key_name: 'key',
        config_drive: true,
        security_groups: [{ name: 'open' }],
        user_data: Buffer.from('#!/bin/sh').toString('base64'),
      },
    });
  });

  test('takes the default interface of clouds.yaml where no network is configured, as upstream`s library did', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('POST /v2.1/servers', { status: 202, json: recorded('server-created') });
    const networks = [{ name: 'private', routesExternally: false, natDestination: true, defaultInterface: true }];
    const { provider } = openTestProvider(cloud.url, { cloud: aCloud(cloud.url, { networks }) });

    await provider.createServer(spec, neverAborted);

    expect(cloud.seen('POST /v2.1/servers')).toMatchObject([{ body: { server: { networks: [{ uuid: PRIVATE }] } } }]);
  });

  test('reads flavors and networks once for many servers', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('POST /v2.1/servers', { status: 202, json: recorded('server-created') });
    const { provider } = openTestProvider(cloud.url, { networks: [{ name: 'private' }] });

    await Promise.all([1, 2, 3].map(() => provider.createServer(spec, neverAborted)));

    expect(cloud.seen('GET /v2.1/flavors/detail')).toHaveLength(1);
    expect(cloud.seen('GET /v2.0/networks')).toHaveLength(1);
  });

  test('reads the flavors anew after a refusal, for what was remembered may be why', async () => {
    await using cloud = await ReplayCloud.start();
    const refusal = { status: 400, json: { badRequest: { code: 400, message: 'Flavor 2 could not be found.' } } };
    cloud.on('POST /v2.1/servers', refusal, { status: 202, json: recorded('server-created') });
    const { provider } = openTestProvider(cloud.url);

    await expect(provider.createServer(spec, neverAborted)).rejects.toThrow('Flavor 2 could not be found.');
    await provider.createServer(spec, neverAborted);

    expect(cloud.seen('GET /v2.1/flavors/detail')).toHaveLength(2);
  });

  test('names the provider without room', async () => {
    await using cloud = await ReplayCloud.start();
    const message = 'Quota exceeded for instances: Requested 1, but already used 1 of 1 instances';
    cloud.on('POST /v2.1/servers', { status: 403, json: { forbidden: { code: 403, message } } });
    const { provider } = openTestProvider(cloud.url);

    const failure = provider.createServer(spec, neverAborted);

    await expect(failure).rejects.toBeInstanceOf(QuotaExceededError);
    await expect(failure).rejects.toMatchObject({ provider: 'wmf' });
  });

  test.each([
    ['no flavor is big enough', { ...spec, minRamMib: 100_000 }, 'has 100000 MiB of RAM or more'],
    ['no flavor has that name', { ...spec, flavorNameFilter: 'performance' }, 'name contains "performance"'],
  ])('refuses where %s', async (_, wanted, complaint) => {
    await using cloud = await ReplayCloud.start();
    const { provider } = openTestProvider(cloud.url);

    const failure = provider.createServer(wanted, neverAborted);

    await expect(failure).rejects.toBeInstanceOf(RequestRefusedError);
    await expect(failure).rejects.toThrow(complaint);
  });

  test('refuses where the network does not exist', async () => {
    await using cloud = await ReplayCloud.start();
    const { provider } = openTestProvider(cloud.url, { networks: [{ name: 'missing' }] });

    await expect(provider.createServer(spec, neverAborted)).rejects.toThrow('has no network "missing"');
  });
});

describe('findServer', () => {
  const id = '1cdb53d3-cb4f-4999-912f-ec8054660d0a';

  test.each([
    ['in BUILD', 'server-build', { status: 'BUILD', taskState: 'scheduling', addresses: [] }],
    ['ACTIVE', 'server-active', { status: 'ACTIVE', az: 'az2', createdAt: new Date('2026-11-21T09:35:26Z') }],
    ['ACTIVE at 2.93', 'server-active-2.93', { status: 'ACTIVE', name: 'plain' }],
    ['in ERROR', 'server-error', { status: 'ERROR', fault: expect.stringContaining('disk is on fire') as string }],
  ])('reads a server %s', async (_, fixture, expected) => {
    await using cloud = await ReplayCloud.start();
    cloud.on(`GET /v2.1/servers/${id}`, { json: recorded(fixture) });
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.findServer(id, neverAborted)).toMatchObject(expected);
  });

  test('leaves out what Nova does not know yet', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(`GET /v2.1/servers/${id}`, { json: recorded('server-build') });
    const { provider } = openTestProvider(cloud.url);

    const server = await provider.findServer(id, neverAborted);

    expect(server).not.toHaveProperty('az');
    expect(server).not.toHaveProperty('keyName');
  });

  test('gives undefined for a server that is gone', async () => {
    await using cloud = await ReplayCloud.start();
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.findServer(id, neverAborted)).toBeUndefined();
  });
});

describe('listServers', () => {
  const ids = (servers: readonly Server[]): readonly string[] => servers.map((server) => server.id);
  const line = 'GET /v2.1/servers/detail';

  test('follows the pages on our own address, whatever host the link names', async () => {
    await using cloud = await ReplayCloud.start();
    const next = 'limit=1000&marker=b';
    cloud.on(line, { json: listOf(['a', 'b'], `/v2.1/servers/detail?${next}`) });
    cloud.on(`${line}?${next}`, { json: listOf(['b', 'c']) });
    const { provider } = openTestProvider(cloud.url);

    expect(ids(await provider.listServers(neverAborted))).toEqual(['a', 'b', 'c']);
  });

  test('begins anew when the server that marks a page vanished between pages', async () => {
    await using cloud = await ReplayCloud.start();
    const link = `/v2.1/servers/detail?limit=1000&marker=b`;
    const gone = { status: 400, json: { badRequest: { code: 400, message: 'marker [b] not found' } } };
    cloud.on(line, { json: listOf(['a', 'b'], link) }, { json: listOf(['a', 'c']) });
    cloud.on(`${line}?limit=1000&marker=b`, gone);
    const { provider } = openTestProvider(cloud.url);

    expect(ids(await provider.listServers(neverAborted))).toEqual(['a', 'c']);
  });

  test('gives an empty list for an empty project', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(line, { json: { servers: [] } });
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.listServers(neverAborted)).toEqual([]);
  });
});

describe('deleteServer', () => {
  test.each([204, 404])('is done when the cloud says %d', async (status) => {
    await using cloud = await ReplayCloud.start();
    cloud.on('DELETE /v2.1/servers/srv-1', { status });
    const { provider } = openTestProvider(cloud.url);

    await provider.deleteServer('srv-1', neverAborted);

    expect(cloud.seen('DELETE /v2.1/servers/srv-1')).toHaveLength(1);
  });
});

describe('readConsole', () => {
  test('gives the last lines only, for some hypervisors ignore the length', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('POST /v2.1/servers/srv-1/action', { json: recorded('console') });
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.readConsole('srv-1', 1, neverAborted)).toBe('acts login: \n');
  });

  test('is empty where the cloud gives none', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('POST /v2.1/servers/srv-1/action', {
      status: 409,
      json: { conflictingRequest: { message: 'not ready' } },
    });
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.readConsole('srv-1', 10, neverAborted)).toBe('');
  });
});
