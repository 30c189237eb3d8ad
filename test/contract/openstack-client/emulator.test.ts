import { describe, expect, test } from 'vitest';
import { awaitActive, awaitGone } from '../../../src/provider/await-server.ts';
import { createServer } from '../../../src/provider/create-server.ts';
import { TransientProviderError, UnknownOutcomeError } from '../../../src/provider/errors.ts';
import { systemRandomness } from '../../../src/runtime/randomness.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { EmulatedCloud } from './emulated-cloud.ts';

// These need faults that no real cloud makes on request; what holds on both is in our-client.test.ts.

const CREATE = { service: 'compute', method: 'POST', path: '/servers$' };
const LIST = { service: 'compute', method: 'GET', path: '/servers/detail$' };
const spec = { name: 'node-1', minRamMib: 512, metadata: { nodepool_node_id: '1' } };

describe('our client on a faulty cloud', { timeout: 30_000 }, () => {
  test('finds the server whose create answer was lost by its attempt, and makes no second one', async () => {
    await using cloud = await EmulatedCloud.start();
    await cloud.addFault({ match: CREATE, count: 1, effect: { cut: 'after' } });

    const created = await createServer(
      {
        spec: { ...spec, imageId: cloud.imageId },
        metadata: (attempt) => ({
          nodepool: JSON.stringify({ provider_name: 'wmf', node_id: 1 }),
          nodepool_attempt: attempt,
        }),
        storeAttempt: () => Promise.resolve(),
        retries: 2,
      },
      { cloud: cloud.provider, clock: cloud.clock, randomness: systemRandomness, log: cloud.log },
      neverAborted,
    );

    expect(await cloud.provider.listServers(neverAborted)).toMatchObject([{ id: created.id }]);
  });

  test('does not know the outcome of a create that hangs after it was done', async () => {
    await using cloud = await EmulatedCloud.start({ apiTimeoutMs: 500 });
    await cloud.addFault({ match: CREATE, count: 1, effect: { hang: 'after' } });

    const failure = cloud.provider.createServer({ ...spec, imageId: cloud.imageId }, neverAborted);

    await expect(failure).rejects.toBeInstanceOf(UnknownOutcomeError);
    expect(await cloud.provider.listServers(neverAborted)).toMatchObject([{ name: 'node-1' }]);
  });

  test.each([
    ['503', { status: 503 }],
    ['429 with Retry-After', { status: 429, headers: { 'retry-after': '1' } }],
    ['an HTML page', { status: 200, body: '<html></html>', headers: { 'content-type': 'text/html' } }],
    ['a cut connection', { cut: 'before' }],
    ['a slow answer', { delayAnswerMs: 300 }],
  ])('reads its list in spite of %s', async (_, effect) => {
    await using cloud = await EmulatedCloud.start();
    await cloud.addFault({ match: LIST, count: 1, effect });

    expect(await cloud.provider.listServers(neverAborted)).toEqual([]);
  });

  test('logs in anew when all tokens are revoked', async () => {
    await using cloud = await EmulatedCloud.start();
    await cloud.provider.listServers(neverAborted);

    await cloud.expireTokens();

    expect(await cloud.provider.listServers(neverAborted)).toEqual([]);
  });

  test('gives up on a create refused for rate without an unknown outcome', async () => {
    await using cloud = await EmulatedCloud.start();
    await cloud.addFault({ match: CREATE, count: 1, effect: { status: 429 } });

    const failure = cloud.provider.createServer({ ...spec, imageId: cloud.imageId }, neverAborted);

    await expect(failure).rejects.toBeInstanceOf(TransientProviderError);
    await expect(failure).rejects.not.toBeInstanceOf(UnknownOutcomeError);
  });
});

describe('our client on a cloud', { timeout: 30_000 }, () => {
  test('takes the snapshot id from the body at 2.45', async () => {
    await using cloud = await EmulatedCloud.start({ deps: { microversion: '2.45' } });
    const { provider, clock } = cloud;
    const { id } = await provider.createServer({ ...spec, imageId: cloud.imageId }, neverAborted);
    await awaitActive({ id, ms: 20_000 }, { cloud: provider, clock }, neverAborted);

    const imageId = await provider.createSnapshot(id, 'shot', {}, neverAborted);

    expect(await provider.findImage(imageId, neverAborted)).toMatchObject({ name: 'shot' });
  });

  test('logs in with an application credential', async () => {
    const secret = 'the secret';
    const credential = { id: 'ac1', name: 'nodepool', secret, user: 'nodepool', project: 'nodepool' };
    await using cloud = await EmulatedCloud.start({
      emulator: { applicationCredentials: [credential] },
      auth: { kind: 'application-credential', id: 'ac1', secret: new Secret(secret) },
    });

    expect(await cloud.provider.listServers(neverAborted)).toEqual([]);
  });

  test('reads console and pages of servers', async () => {
    const quota = { instances: 100, cores: 100, ramMib: 100_000, ports: 100 };
    await using cloud = await EmulatedCloud.start({
      emulator: { maxLimit: 3, projects: [{ name: 'nodepool', quota }] },
    });
    const { provider } = cloud;
    const made = await Promise.all(
      Array.from({ length: 10 }, () => provider.createServer({ ...spec, imageId: cloud.imageId }, neverAborted)),
    );

    const listed = await provider.listServers(neverAborted);

    expect(listed.map(({ id }) => id).sort()).toEqual(made.map(({ id }) => id).sort());
    expect(typeof (await provider.readConsole(made[0]?.id ?? '', 5, neverAborted))).toBe('string');
  });

  test('needs at most three calls per server from create to gone, with many under way', async () => {
    const count = 100;
    const quota = { instances: 200, cores: 200, ramMib: 200_000, ports: 200 };
    const names: string[] = [];
    await using cloud = await EmulatedCloud.start({
      emulator: { projects: [{ name: 'nodepool', quota }] },
      deps: { onCall: ({ name }) => names.push(name) },
    });
    const { provider, clock } = cloud;

    await Promise.all(
      Array.from({ length: count }, async () => {
        const { id } = await provider.createServer({ ...spec, imageId: cloud.imageId }, neverAborted);
        await awaitActive({ id, ms: 20_000 }, { cloud: provider, clock }, neverAborted);
        await provider.deleteServer(id, neverAborted);
        await awaitGone({ id, ms: 20_000 }, { cloud: provider, clock }, neverAborted);
      }),
    );

    expect(names.length / count).toBeLessThan(3);
  });
});
