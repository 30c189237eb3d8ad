import { describe, expect, test } from 'vitest';
import { awaitActive, awaitGone } from '../../../src/provider/await-server.ts';
import type { Server } from '../../../src/provider/cloud-provider.ts';
import { QuotaExceededError, RequestRefusedError } from '../../../src/provider/errors.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { type ProviderFacts, startOpenStack, type TriedOpenStack } from './tried-open-stack.ts';

const TIMEOUT_MS = 120_000;
const NOTE = 'nodepool node 1 (6f1b2c3d-0000-4000-8000-000000000000)';

async function launch({ provider, clock, imageId }: TriedOpenStack): Promise<Server> {
  const { id } = await provider.createServer({ name: 'node-1', minRamMib: 512, metadata: {}, imageId }, neverAborted);
  return await awaitActive({ id, ms: TIMEOUT_MS }, { cloud: provider, clock }, neverAborted);
}

const CLOUDS: readonly [string, ProviderFacts][] = [
  ['Neutron, whose first network that leads outside is taken', {}],
  ['Neutron, from the configured pool', { pool: 'public' }],
  ["Nova's proxy, from its first pool", { cloud: { floatingIpSource: 'nova' } }],
  ["Nova's proxy, from the configured pool", { pool: 'public', cloud: { floatingIpSource: 'nova' } }],
];

describe.each(CLOUDS)('floating addresses of %s', { timeout: TIMEOUT_MS }, (_, facts) => {
  test('a server on an inner network is given one, leads to it, and it is given back', async () => {
    await using cloud = await startOpenStack({}, facts);
    const { provider, clock } = cloud;
    const server = await launch(cloud);

    const { public: ip, private: fixed } = await provider.makeReachable(server, { note: NOTE }, neverAborted);

    expect(provider.addressesOf(server)).toEqual({ public: fixed, private: fixed });
    const listed = await provider.listFloatingIps(neverAborted);
    expect(listed).toMatchObject([{ ip, isBound: true, serverId: server.id }]);
    expect(ip).not.toBe(fixed);

    await provider.deleteServer(server.id, neverAborted);
    await awaitGone({ id: server.id, ms: TIMEOUT_MS }, { cloud: provider, clock }, neverAborted);
    expect(await provider.listFloatingIps(neverAborted)).toMatchObject([{ ip, isBound: false }]);
    const trace = { note: NOTE, ...(ip !== undefined && { ip }) };
    await provider.releaseFloatingIps(trace, neverAborted);
    expect(await provider.listFloatingIps(neverAborted)).toEqual([]);
    await provider.releaseFloatingIps(trace, neverAborted);
  });

  test('no room for another is no room in the cloud, and leaves none behind', async () => {
    await using cloud = await startOpenStack({}, facts);
    const server = await launch(cloud);
    await cloud.allowFloatingIps(0);

    const failure = cloud.provider.makeReachable(server, { note: NOTE }, neverAborted);

    await expect(failure).rejects.toBeInstanceOf(QuotaExceededError);
    expect(await cloud.provider.listFloatingIps(neverAborted)).toEqual([]);
  });
});

describe('floating addresses', { timeout: TIMEOUT_MS }, () => {
  test('who asks again with the same note gets the same one: a launch that was interrupted leaks none', async () => {
    await using cloud = await startOpenStack();
    const server = await launch(cloud);
    const first = await cloud.provider.makeReachable(server, { note: NOTE }, neverAborted);

    const again = await cloud.provider.makeReachable(server, { note: NOTE }, neverAborted);

    expect(again).toEqual(first);
    expect(await cloud.provider.listFloatingIps(neverAborted)).toMatchObject([{ note: NOTE, ip: first.public }]);
  });

  test('one that is there for another server is not touched', async () => {
    await using cloud = await startOpenStack();
    const server = await launch(cloud);
    const { public: ip } = await cloud.provider.makeReachable(server, { note: NOTE }, neverAborted);

    await cloud.provider.releaseFloatingIps({ note: 'nodepool node 2 (another)' }, neverAborted);

    expect(await cloud.provider.listFloatingIps(neverAborted)).toMatchObject([{ ip, serverId: server.id }]);
  });

  test.each<[string, ProviderFacts]>([
    ['the cloud is private', { cloud: { private: true } }],
    ['clouds.yaml says that there are none', { cloud: { floatingIpSource: 'none' } }],
    [
      'its network leads outside',
      {
        cloud: {
          networks: [{ name: 'private', routesExternally: true, natDestination: false, defaultInterface: false }],
        },
      },
    ],
  ])('a server is given none where %s', async (_, facts) => {
    await using cloud = await startOpenStack({}, facts);
    const server = await launch(cloud);

    const addresses = await cloud.provider.makeReachable(server, { note: NOTE }, neverAborted);

    expect(addresses).toEqual(cloud.provider.addressesOf(server));
    await cloud.provider.releaseFloatingIps({ note: NOTE }, neverAborted);
    expect(await cloud.provider.listFloatingIps(neverAborted)).toEqual([]);
  });

  test('a pool that does not exist is refused by name', async () => {
    await using cloud = await startOpenStack({}, { pool: 'nothing' });
    const server = await launch(cloud);

    const failure = cloud.provider.makeReachable(server, { note: NOTE }, neverAborted);

    await expect(failure).rejects.toBeInstanceOf(RequestRefusedError);
    await expect(failure).rejects.toThrow('"nothing"');
  });
});
