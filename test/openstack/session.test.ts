import { describe, expect, test } from 'vitest';
import type { CloudAuth } from '../../src/config/config.ts';
import { CredentialsRefusedError, RequestRefusedError, TransientProviderError } from '../../src/provider/errors.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { aCloud } from './a-provider.ts';
import { openTestProvider } from './open-test-provider.ts';
import { recorded, ReplayCloud, type Reply } from './replay-cloud.ts';

const LOGIN = 'POST /v3/auth/tokens';
const LIMITS = 'GET /v2.1/limits';
const good: Reply = { json: recorded('limits') };
const unauthorized: Reply = { status: 401, json: { error: { code: 401, message: 'requires authentication' } } };
const MINUTE_MS = 60_000;

function tokensUsed(cloud: ReplayCloud): readonly unknown[] {
  return cloud.seen(LIMITS).map((request) => request.headers['x-auth-token']);
}

describe('a session', () => {
  test('logs in once for all who ask at the same time', async () => {
    await using cloud = await ReplayCloud.start();
    const { provider } = openTestProvider(cloud.url);

    await Promise.all(Array.from({ length: 20 }, () => provider.readLimits(neverAborted)));

    expect(cloud.seen(LOGIN)).toHaveLength(1);
    expect(new Set(tokensUsed(cloud))).toEqual(new Set(['token-1']));
  });

  test('renews in the background before the token expires, and uses the old one meanwhile', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(LOGIN, cloud.login('token-1'), cloud.login('token-2'));
    const { provider, clock } = openTestProvider(cloud.url);
    await provider.readLimits(neverAborted);

    clock.advance(56 * MINUTE_MS);
    await Promise.all([provider.readLimits(neverAborted), cloud.arrived(LOGIN, 2)]);
    await provider.deleteKeypair('any', neverAborted); // one exchange later the new token is there
    await provider.readLimits(neverAborted);

    expect(tokensUsed(cloud)).toEqual(['token-1', 'token-1', 'token-2']);
  });

  test('goes on with a good token while Keystone is down', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(LOGIN, cloud.login('token-1'), { status: 503 });
    const { provider, clock } = openTestProvider(cloud.url);
    await provider.readLimits(neverAborted);

    clock.advance(56 * MINUTE_MS);
    await Promise.all([provider.readLimits(neverAborted), cloud.arrived(LOGIN, 2)]);

    expect(tokensUsed(cloud)).toEqual(['token-1', 'token-1']);
  });

  test('logs in anew when the token has expired', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(LOGIN, cloud.login('token-1'), cloud.login('token-2'));
    const { provider, clock } = openTestProvider(cloud.url);
    await provider.readLimits(neverAborted);

    clock.advance(61 * MINUTE_MS);
    await provider.readLimits(neverAborted);

    expect(tokensUsed(cloud)).toEqual(['token-1', 'token-2']);
  });

  test('logs in anew when the token was revoked, and makes even a create again: a 401 did nothing', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(LOGIN, cloud.login('token-1'), cloud.login('token-2'));
    cloud.on('POST /v2.1/servers', unauthorized, { status: 202, json: recorded('server-created') });
    const { provider, log } = openTestProvider(cloud.url);

    const spec = { name: 'n', imageId: 'i', minRamMib: 0, metadata: {} };
    await provider.createServer(spec, neverAborted);

    expect(log.messages('info')).toContainEqual(
      expect.stringMatching(/^The token of \S+ was refused \(.+\), logging in/),
    );
    const used = cloud.seen('POST /v2.1/servers').map((request) => request.headers['x-auth-token']);
    expect(used).toEqual(['token-1', 'token-2']);
  });

  test('gives up when a fresh token is refused too', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(LIMITS, unauthorized);
    const { provider } = openTestProvider(cloud.url);

    await expect(provider.readLimits(neverAborted)).rejects.toBeInstanceOf(CredentialsRefusedError);
    expect(cloud.seen(LOGIN)).toHaveLength(2);
  });

  test('pauses after a refused login, for wrong passwords lock accounts', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on(LOGIN, unauthorized);
    const { provider, clock } = openTestProvider(cloud.url);

    for (let n = 0; n < 3; n += 1) {
      await expect(provider.readLimits(neverAborted)).rejects.toBeInstanceOf(CredentialsRefusedError);
    }
    expect(cloud.seen(LOGIN)).toHaveLength(1);

    cloud.on(LOGIN, cloud.login('token-1'));
    clock.advance(30_000);
    expect(await provider.readLimits(neverAborted)).toMatchObject({ maxInstances: 20 });
  });

  test.each([
    ['fails', { status: 503 }],
    ['answers with a page of a proxy', { status: 201, text: '<html></html>', type: 'text/html' }],
    ['cuts the connection', { fault: 'cut' }],
  ] as [string, Reply][])('logs in again when Keystone %s', async (_, fault) => {
    await using cloud = await ReplayCloud.start();
    cloud.on(LOGIN, fault, cloud.login('token-1'));
    const { provider } = openTestProvider(cloud.url);

    expect(await provider.readLimits(neverAborted)).toMatchObject({ maxInstances: 20 });
  });

  test('an unreachable Keystone is a failure that may pass', async () => {
    const cloud = await ReplayCloud.start();
    const { url } = cloud;
    await cloud.stop();
    const { provider } = openTestProvider(url);

    await expect(provider.readLimits(neverAborted)).rejects.toBeInstanceOf(TransientProviderError);
  });
});

describe('auth URLs', () => {
  test.each(['/v3', '/v3/', '/v2.0', '/v2.0/', '', '/', '/v3/auth/tokens'])(
    '"%s" leads to the v3 API',
    async (path) => {
      await using cloud = await ReplayCloud.start();
      const { provider } = openTestProvider(cloud.url, { cloud: aCloud(cloud.url, { authUrl: cloud.url + path }) });

      expect(await provider.readLimits(neverAborted)).toMatchObject({ maxInstances: 20 });
    },
  );

  test('a cloud with Identity v2 only gets a clear answer', async () => {
    await using cloud = await ReplayCloud.start();
    cloud.on('GET /', { status: 300, json: { versions: { values: [{ id: 'v2.0', status: 'stable' }] } } });
    const { provider } = openTestProvider(cloud.url, { cloud: aCloud(cloud.url, { authUrl: `${cloud.url}/v2.0` }) });

    await expect(provider.readLimits(neverAborted)).rejects.toThrow(/offers Identity v2.0 only, and v3 is needed/);
  });

  test.each(['keystone.example.org:5000', 'no url'])('"%s" is refused as no URL', async (authUrl) => {
    const { provider } = openTestProvider('', { cloud: aCloud('', { authUrl }) });

    await expect(provider.readLimits(neverAborted)).rejects.toBeInstanceOf(RequestRefusedError);
  });
});

describe('credentials', () => {
  const bodyOf = async (auth: CloudAuth): Promise<unknown> => {
    await using cloud = await ReplayCloud.start();
    cloud.on(LIMITS, good);
    const { provider } = openTestProvider(cloud.url, { cloud: aCloud(cloud.url, { auth }) });
    await provider.readLimits(neverAborted);
    return cloud.seen(LOGIN)[0]?.body;
  };

  test('a password without domains is looked for in the default one, as files from Identity v2 need', async () => {
    const auth = { kind: 'password', username: 'u', password: new Secret('p'), projectName: 'proj' } as const;

    expect(await bodyOf(auth)).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'u', password: 'p', domain: { id: 'default' } } },
        },
        scope: { project: { name: 'proj', domain: { id: 'default' } } },
      },
    });
  });

  test('ids need no domain', async () => {
    const auth = { kind: 'password', userId: 'u1', password: new Secret('p'), projectId: 'p1' } as const;

    expect(await bodyOf(auth)).toMatchObject({
      auth: { identity: { password: { user: { id: 'u1', password: 'p' } } }, scope: { project: { id: 'p1' } } },
    });
  });

  test('the project lives in the user`s domain unless it names its own', async () => {
    const user = { kind: 'password', username: 'u', password: new Secret('p'), userDomainName: 'Corp' } as const;

    expect(await bodyOf({ ...user, projectName: 'x' })).toMatchObject({
      auth: { scope: { project: { domain: { name: 'Corp' } } } },
    });
    expect(await bodyOf({ ...user, projectName: 'x', projectDomainId: 'd2' })).toMatchObject({
      auth: { scope: { project: { domain: { id: 'd2' } } } },
    });
  });

  test('an application credential has its own scope', async () => {
    const secret = new Secret('s');

    expect(await bodyOf({ kind: 'application-credential', id: 'ac', secret })).toEqual({
      auth: { identity: { methods: ['application_credential'], application_credential: { id: 'ac', secret: 's' } } },
    });
    expect(await bodyOf({ kind: 'application-credential', name: 'n', username: 'u', secret })).toMatchObject({
      auth: { identity: { application_credential: { name: 'n', user: { name: 'u', domain: { id: 'default' } } } } },
    });
  });

  test('a token is traded for one of the project', async () => {
    expect(await bodyOf({ kind: 'token', token: new Secret('t'), projectId: 'p1' })).toEqual({
      auth: { identity: { methods: ['token'], token: { id: 't' } }, scope: { project: { id: 'p1' } } },
    });
  });
});
