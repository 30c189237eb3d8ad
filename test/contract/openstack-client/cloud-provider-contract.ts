import { describe, expect, test } from 'vitest';
import { awaitActive, awaitGone } from '../../../src/provider/await-server.ts';
import type { CloudProvider, ServerSpec } from '../../../src/provider/cloud-provider.ts';
import {
  QuotaExceededError,
  RequestRefusedError,
  ServerFailedError,
  TransientProviderError,
} from '../../../src/provider/errors.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';

/** A cloud to try, with what the suite must be able to arrange in it. */
export interface TriedCloud extends AsyncDisposable {
  readonly provider: CloudProvider;
  readonly clock: Clock;
  /** An active image. */
  readonly imageId: string;
  readonly imageName: string;
  /** The next server created goes to ERROR with that fault. */
  failNextBoot(fault: string): Promise<void>;
  allowServers(most: number): Promise<void>;
  /** The next snapshot vanishes. */
  failNextSnapshot(): Promise<void>;
}

/** A real cloud on a busy machine is slow. */
const TIMEOUT_MS = 90_000;
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL0Y0N1Y3E9oVqNYp1nhkGlbEHMmMXQjXJ2yz3fyQZlF contract@example.org';
const MISSING = '11111111-2222-4333-8444-555555555555';

/** What every CloudProvider does, so that workflows tested on the fake work on a cloud. */
export function describeCloudProvider(name: string, start: () => Promise<TriedCloud>): void {
  const specOf = (cloud: TriedCloud, facts: Partial<ServerSpec> = {}): ServerSpec => ({
    name: 'node-1',
    imageId: cloud.imageId,
    minRamMib: 512,
    metadata: { nodepool_node_id: '1' },
    ...facts,
  });
  const launch = async (cloud: TriedCloud): Promise<string> => {
    const { id } = await cloud.provider.createServer(specOf(cloud), neverAborted);
    await awaitActive({ id, ms: TIMEOUT_MS }, { cloud: cloud.provider, clock: cloud.clock }, neverAborted);
    return id;
  };

  describe(`${name}: servers`, { timeout: TIMEOUT_MS }, () => {
    test('a server boots, has addresses and its metadata, and goes', async () => {
      await using cloud = await start();
      const { provider, clock } = cloud;
      const created = await provider.createServer(specOf(cloud), neverAborted);
      const wait = { id: created.id, ms: TIMEOUT_MS };

      const server = await awaitActive(wait, { cloud: provider, clock }, neverAborted);
      expect(server).toMatchObject({ name: 'node-1', status: 'ACTIVE', metadata: { nodepool_node_id: '1' } });
      expect(provider.addressesOf(server).public).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(provider.addressesOf(server).private).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(created.adminPassword?.reveal()).not.toBe('');

      await provider.deleteServer(created.id, neverAborted);
      await awaitGone(wait, { cloud: provider, clock }, neverAborted);
      expect(await provider.findServer(created.id, neverAborted)).toBeUndefined();
    });

    test('a new server is in the list at once, as BUILD', async () => {
      await using cloud = await start();
      const { id } = await cloud.provider.createServer(specOf(cloud), neverAborted);

      const servers = await cloud.provider.listServers(neverAborted);

      expect(servers).toMatchObject([{ id, status: 'BUILD', metadata: { nodepool_node_id: '1' }, addresses: [] }]);
    });

    test('deleting what is going or gone is success', async () => {
      await using cloud = await start();
      const id = await launch(cloud);

      await cloud.provider.deleteServer(id, neverAborted);
      await cloud.provider.deleteServer(id, neverAborted);

      await expect(cloud.provider.deleteServer(MISSING, neverAborted)).resolves.toBeUndefined();
    });

    test('a server has a port that goes with it, and deleting a port that is gone is success', async () => {
      await using cloud = await start();
      const { provider, clock } = cloud;
      const id = await launch(cloud);
      const portsOf = async () => (await provider.listPorts(neverAborted)).filter(({ deviceId }) => deviceId === id);

      const there = await portsOf();
      await provider.deleteServer(id, neverAborted);
      await awaitGone({ id, ms: TIMEOUT_MS }, { cloud: provider, clock }, neverAborted);

      const deviceOwner = expect.stringMatching(/^compute:./) as unknown;
      expect(there).toMatchObject([{ name: '', status: 'ACTIVE', deviceId: id, deviceOwner }]);
      expect(await portsOf()).toEqual([]);
      await expect(provider.deletePort(there[0]?.id ?? '', neverAborted)).resolves.toBeUndefined();
    });

    test('a server that cannot boot shows why', async () => {
      await using cloud = await start();
      const { provider, clock } = cloud;
      await cloud.failNextBoot('the disk is on fire');
      const { id } = await provider.createServer(specOf(cloud), neverAborted);

      const failure = awaitActive({ id, ms: TIMEOUT_MS }, { cloud: provider, clock }, neverAborted);

      await expect(failure).rejects.toBeInstanceOf(ServerFailedError);
      await expect(failure).rejects.toThrow('the disk is on fire');
    });

    test('one server too many finds no room, and the limits say so', async () => {
      await using cloud = await start();
      await cloud.allowServers(1);
      await launch(cloud); // a server may count only once it is scheduled

      const failure = cloud.provider.createServer(specOf(cloud), neverAborted);

      await expect(failure).rejects.toBeInstanceOf(QuotaExceededError);
      expect(await cloud.provider.readLimits(neverAborted)).toMatchObject({ maxInstances: 1, usedInstances: 1 });
    });

    test('a server takes of the project what its size says, and there is no size without a flavor', async () => {
      await using cloud = await start();
      const { provider } = cloud;
      const before = await provider.readLimits(neverAborted);

      const size = await provider.sizeOf(specOf(cloud), neverAborted);
      await launch(cloud);

      expect(size.cores).toBeGreaterThan(0);
      expect(await provider.readLimits(neverAborted)).toMatchObject({
        usedCores: before.usedCores + size.cores,
        usedRamMib: before.usedRamMib + size.ramMib,
      });
      const none = provider.sizeOf({ minRamMib: 1_000_000_000 }, neverAborted);
      await expect(none).rejects.toBeInstanceOf(RequestRefusedError);
    });

    test('all who wait share one list', async () => {
      await using cloud = await start();
      const { provider } = cloud;

      const lists = await Promise.all([1, 2, 3].map(() => provider.nextServerList(neverAborted)));

      expect(new Set(lists).size).toBe(1);
    });
  });

  describe(`${name}: images`, { timeout: TIMEOUT_MS }, () => {
    test('are found by id and by name', async () => {
      await using cloud = await start();

      expect(await cloud.provider.findImage(cloud.imageId, neverAborted)).toMatchObject({ name: cloud.imageName });
      expect(await cloud.provider.findImage(cloud.imageName, neverAborted)).toMatchObject({ id: cloud.imageId });
      expect(await cloud.provider.findImage(MISSING, neverAborted)).toBeUndefined();
      expect(await cloud.provider.findImage('missing', neverAborted)).toBeUndefined();
    });

    test('a snapshot becomes active, bears its metadata, can be booted and deleted', async () => {
      await using cloud = await start();
      const { provider } = cloud;
      const id = await launch(cloud);

      const imageId = await provider.createSnapshot(id, 'shot', { nodepool_build: '7' }, neverAborted);
      expect(await provider.findImage(imageId, neverAborted)).toMatchObject({ name: 'shot' });
      while ((await provider.findImage(imageId, neverAborted))?.status !== 'active') {
        await provider.nextServerList(neverAborted);
      }

      const listed = (await provider.listImages(neverAborted)).find((image) => image.id === imageId);
      expect(listed?.properties).toMatchObject({ nodepool_build: '7', image_type: 'snapshot' });
      await provider.createServer(specOf(cloud, { imageId }), neverAborted);
      await provider.deleteImage(imageId, neverAborted);
      await provider.deleteImage(imageId, neverAborted);
      expect(await provider.findImage(imageId, neverAborted)).toBeUndefined();
    });

    test('a snapshot that fails disappears, and the server is free again', async () => {
      await using cloud = await start();
      const { provider } = cloud;
      const id = await launch(cloud);
      await cloud.failNextSnapshot();

      const imageId = await provider.createSnapshot(id, 'shot', {}, neverAborted);
      while ((await provider.findImage(imageId, neverAborted)) !== undefined)
        await provider.nextServerList(neverAborted);
      while ((await provider.findServer(id, neverAborted))?.taskState !== undefined) {
        await provider.nextServerList(neverAborted);
      }

      expect(await provider.findServer(id, neverAborted)).toMatchObject({ status: 'ACTIVE' });
    });

    test('a second snapshot meanwhile may succeed later', async () => {
      await using cloud = await start();
      const { provider } = cloud;
      const id = await launch(cloud);
      await provider.createSnapshot(id, 'shot', {}, neverAborted);

      const failure = provider.createSnapshot(id, 'shot', {}, neverAborted);

      await expect(failure).rejects.toBeInstanceOf(TransientProviderError);
    });

    test('a snapshot of a missing server is refused', async () => {
      await using cloud = await start();

      const failure = cloud.provider.createSnapshot(MISSING, 'shot', {}, neverAborted);

      await expect(failure).rejects.toBeInstanceOf(RequestRefusedError);
    });
  });

  describe(`${name}: key pairs`, { timeout: TIMEOUT_MS }, () => {
    test('are uploaded, listed and deleted', async () => {
      await using cloud = await start();
      const { provider } = cloud;

      await provider.createKeypair('build-key', KEY, neverAborted);
      await provider.createKeypair('build-key', KEY, neverAborted); // as after a lost answer
      expect(await provider.listKeypairs(neverAborted)).toEqual(['build-key']);
      await provider.deleteKeypair('build-key', neverAborted);
      await provider.deleteKeypair('build-key', neverAborted);
      expect(await provider.listKeypairs(neverAborted)).toEqual([]);
    });

    test('a name that holds another key is refused', async () => {
      await using cloud = await start();
      await cloud.provider.createKeypair('build-key', KEY, neverAborted);

      const failure = cloud.provider.createKeypair('build-key', KEY.replace('IL0Y', 'IL1Y'), neverAborted);

      await expect(failure).rejects.toBeInstanceOf(RequestRefusedError);
    });
  });
}
