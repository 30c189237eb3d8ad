import { describe, expect, test } from 'vitest';
import { QuotaExceededError } from '../../src/provider/errors.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { openTestProvider } from './open-test-provider.ts';
import { recorded, ReplayCloud } from './replay-cloud.ts';

const CREATE = 'POST /v2.1/os-keypairs';
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL0Y0N1Y3E9oVqNYp1nhkGlbEHMmMXQjXJ2yz3fyQZlF contract@example.org';
const exists = {
  status: 409,
  json: { conflictingRequest: { code: 409, message: "Key pair 'contract' already exists." } },
};

describe('createKeypair', () => {
  test('uploads the public key', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(CREATE, { json: recorded('keypair') });
    const { provider } = openTestProvider(cloud.url);

    await provider.createKeypair('contract', KEY, neverAborted);

    expect(cloud.seen(CREATE)[0]?.body).toEqual({ keypair: { name: 'contract', public_key: KEY } });
  });

  test('is done when the same key is there already, as after a lost answer', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(CREATE, { fault: 'cut' }, exists);
    cloud.on('GET /v2.1/os-keypairs/contract', { json: recorded('keypair') });
    const { provider } = openTestProvider(cloud.url);

    await provider.createKeypair('contract', KEY, neverAborted);

    expect(cloud.seen(CREATE)).toHaveLength(2);
  });

  test('is refused when the name holds another key', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(CREATE, exists);
    cloud.on('GET /v2.1/os-keypairs/contract', { json: recorded('keypair') });
    const { provider } = openTestProvider(cloud.url);

    await expect(provider.createKeypair('contract', 'ssh-rsa AAAA', neverAborted)).rejects.toThrow(
      'that name holds another key',
    );
  });

  test('finds no room where the project has too many', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(CREATE, { status: 403, json: { forbidden: { message: 'Quota exceeded, too many key pairs.' } } });
    const { provider } = openTestProvider(cloud.url);

    await expect(provider.createKeypair('n', KEY, neverAborted)).rejects.toBeInstanceOf(QuotaExceededError);
  });
});

describe('key pairs', () => {
  test('are listed by name', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('GET /v2.1/os-keypairs', { json: recorded('keypairs') });
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.listKeypairs(neverAborted)).toContain('contract');
  });

  test.each([202, 204, 404])('are deleted when the cloud says %d', async (status) => {
    await using cloud = await ReplayCloud.start();
    cloud.on('DELETE /v2.1/os-keypairs/a%20key', { status });
    const { provider } = openTestProvider(cloud.url);

    await expect(provider.deleteKeypair('a key', neverAborted)).resolves.toBeUndefined();
  });
});

describe('readLimits', () => {
  test('gives limits and use', async () => {
    await using cloud = await ReplayCloud.start();
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.readLimits(neverAborted)).toEqual({
      maxInstances: 20,
      usedInstances: 0,
      maxCores: 80,
      usedCores: 0,
      maxRamMib: 163_840,
      usedRamMib: 0,
    });
  });

  test('leaves out what has no limit', async () => {
    await using cloud = await ReplayCloud.start();
    const absolute = { maxTotalInstances: -1, totalInstancesUsed: 3 };
    cloud.on('GET /v2.1/limits', { json: { limits: { rate: [], absolute } } });
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.readLimits(neverAborted)).toEqual({ usedInstances: 3, usedCores: 0, usedRamMib: 0 });
  });
});

describe('a cloud without Neutron', () => {
  test('has its networks named by Nova', async () => {
    await using cloud = await ReplayCloud.start();
    const login = cloud.login('token-1');
    const token = (login.json as { token: { catalog: { type: string }[] } }).token;
    token.catalog = token.catalog.filter((entry) => entry.type !== 'network');
    cloud.on('POST /v3/auth/tokens', login);
    cloud.on('GET /v2.1/os-tenant-networks', { json: recorded('nova-networks') });
    cloud.on('POST /v2.1/servers', { status: 202, json: recorded('server-created') });
    const { provider } = openTestProvider(cloud.url, { networks: [{ name: 'private' }] });

    await provider.createServer({ name: 'n', imageId: 'i', minRamMib: 0, metadata: {} }, neverAborted);

    expect(cloud.seen('POST /v2.1/servers')).toMatchObject([
      { body: { server: { networks: [{ uuid: '79801d34-aee0-4e88-80db-c9e4ae23075c' }] } } },
    ]);
  });
});
